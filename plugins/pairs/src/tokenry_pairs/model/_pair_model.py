"""PairMatchingModel: whether two sets of images show the same individual."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from tokenry_core.errors import ConfigError, ShapeError
from tokenry_dino import seeded

from ._backbone import TokenExtractorBackbone
from ._pooling import SetPoolingModule, require_images
from ._reasoning import ReasoningHead

__all__ = ["PairMatchingModel"]


class PairMatchingModel(nn.Module):
    """Says of pairs of image sets whether both show the same individual.

    Sets are (B, images, 3, H, W), normalised with `backbone.mean` and `backbone.std`; a mask
    (B, images) is true where there is an image. Neither the order of the images, nor padding, nor
    the order of the two sets changes the result beyond rounding. Weights that are not loaded are
    drawn from `seed`; `backbone_options` go to the backbone. `arguments` makes the model again.

    >>> small = {"img_size": 8, "patch_size": 2, "embed_dim": 64, "depth": 1, "num_heads": 4}
    >>> model = PairMatchingModel(embed_dim=32, pretrained=False, backbone_options=small)
    >>> model(torch.zeros(2, 3, 3, 8, 8), torch.zeros(2, 1, 3, 8, 8)).shape
    torch.Size([2, 1])
    """

    def __init__(
        self,
        backbone_name: str = "vit_b_16",
        pooling_type: str = "attention",
        reasoning_type: str = "concat_mlp",
        embed_dim: int = 256,
        freeze_backbone: bool = False,
        *,
        pretrained: bool = True,
        weights: str | None = None,
        seed: int = 0,
        backbone_options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(embed_dim, int) or embed_dim < 1:
            raise ConfigError(f"embed_dim: {embed_dim!r} was given; allowed is a number from 1")
        self.arguments: dict[str, Any] = {
            "backbone_name": backbone_name,
            "pooling_type": pooling_type,
            "reasoning_type": reasoning_type,
            "embed_dim": embed_dim,
            "freeze_backbone": freeze_backbone,
            "pretrained": pretrained,
            "weights": weights,
            "seed": seed,
            "backbone_options": dict(backbone_options or {}),
        }
        self.backbone = TokenExtractorBackbone(
            backbone_name,
            pretrained,
            freeze_backbone,
            weights=weights,
            seed=seed,
            **self.arguments["backbone_options"],
        )
        if pooling_type == "cls_mean" and not self.backbone.has_cls:
            raise ConfigError(
                f'pooling_type: "cls_mean" needs a class token, and {backbone_name} has none; give'
                ' "mean" or "attention"'
            )
        with seeded(seed):
            dim = self.backbone.get_token_dim()
            self.pooling = SetPoolingModule(dim, embed_dim, pooling_type)
            self.head = ReasoningHead(embed_dim, reasoning_type=reasoning_type)

    def tokens(self, images: Tensor) -> Tensor:
        """Give the tokens (n, tokens, dim) of images (n, 3, H, W)."""
        found: Tensor = self.backbone(images)
        return found

    def embed_tokens(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Give the vectors (B, E) of sets whose images' tokens are (B, images, tokens, dim)."""
        vectors: Tensor = self.pooling(tokens, mask)
        return vectors

    def embed(self, image_sets: Tensor, mask: Tensor | None = None) -> Tensor:
        """Give the vectors (B, E) of sets (B, images, 3, H, W); padding costs no forward pass."""
        if image_sets.ndim != 5:
            raise ShapeError(
                f"image sets of shape {tuple(image_sets.shape)} were given; expected are (sets,"
                " images, 3, H, W)"
            )
        require_images(image_sets.shape[:2], mask)
        if mask is None or torch.compiler.is_compiling():  # an exported graph has fixed shapes
            tokens = self.tokens(image_sets.flatten(0, 1))
            return self.embed_tokens(tokens.reshape(*image_sets.shape[:2], *tokens.shape[1:]), mask)
        real = self.tokens(image_sets[mask])
        tokens = real.new_zeros(*mask.shape, *real.shape[1:]).masked_scatter(
            mask[:, :, None, None], real
        )
        return self.embed_tokens(tokens, mask)

    def score_all(self, embeddings_a: Tensor, embeddings_b: Tensor) -> Tensor:
        """Give the logits (S, R) of each of (S, E) vectors with each of (R, E)."""
        scores: Tensor = self.head.score_all(embeddings_a, embeddings_b)
        return scores

    def forward(
        self,
        image_set_a: Tensor,
        image_set_b: Tensor,
        mask_a: Tensor | None = None,
        mask_b: Tensor | None = None,
    ) -> Tensor:
        """Give a logit per pair, (B, 1)."""
        logits: Tensor = self.head(self.embed(image_set_a, mask_a), self.embed(image_set_b, mask_b))
        return logits

    def predict(
        self,
        image_set_a: Tensor,
        image_set_b: Tensor,
        mask_a: Tensor | None = None,
        mask_b: Tensor | None = None,
    ) -> Tensor:
        """Give the probability of each pair, (B,)."""
        return torch.sigmoid(self(image_set_a, image_set_b, mask_a, mask_b)).squeeze(-1)
