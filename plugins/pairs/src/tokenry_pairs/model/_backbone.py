"""TokenExtractorBackbone: every token of an image's last layer, from any registered backbone."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from tokenry_core import Registry
from tokenry_core.errors import ConfigError, DataError, ShapeError, UnknownName, nearest

from ._names import BACKBONES

__all__ = ["TokenExtractorBackbone", "find_backbone"]

USUAL_SIDE = 224


def find_backbone(name: str) -> Any:
    """Give the factory of a backbone: a torchvision name, `timm/NAME`, or a registered model."""
    models = Registry[Any]("tokenry.models")
    try:
        factory = models[BACKBONES.get(name, name)]
    except UnknownName as error:
        known = [*BACKBONES, *models]
        why = f": {error} Allowed" if "/" in name else "; allowed"  # a family knows its members
        raise UnknownName(
            f'backbone_name: "{name}" is no backbone{why} are {", ".join(BACKBONES)},'
            f" timm/NAME, and any registered model of kind backbone.{nearest(name, known)}"
        ) from None
    kind = getattr(factory, "kind", None)
    if kind != "backbone":
        raise ConfigError(
            f'backbone_name: "{name}" is a model of kind {kind!r}; give a backbone, such as'
            " vit_b_16 or timm/vit_small_patch14_dinov2"
        )
    return factory


class TokenExtractorBackbone(nn.Module):
    """Turns (B, 3, H, W) images into all tokens of the last layer, (B, tokens, dim).

    The class token comes first, where the model has one, then its registers, then the patches row
    by row: (B, 197, 768) for ViT-B/16 and images of 224 x 224. `weights` is a .safetensors, .pt or
    .pth file, and takes the place of the hub's; `pretrained=False` draws weights from `seed`.
    `options` go to the model: `img_size=8, patch_size=2, embed_dim=64, depth=2, num_heads=4`.

    A frozen backbone gets no gradient and stays in evaluation mode.

    >>> small = {"img_size": 8, "patch_size": 2, "embed_dim": 64, "depth": 2, "num_heads": 4}
    >>> backbone = TokenExtractorBackbone("vit_b_16", pretrained=False, **small)
    >>> backbone(torch.zeros(5, 3, 8, 8)).shape
    torch.Size([5, 17, 64])
    >>> backbone.get_num_tokens(), backbone.get_token_dim()
    (17, 64)
    """

    def __init__(
        self,
        backbone_name: str = "vit_b_16",
        pretrained: bool = True,
        freeze_backbone: bool = False,
        *,
        weights: str | None = None,
        seed: int = 0,
        **options: Any,
    ) -> None:
        super().__init__()
        factory = find_backbone(backbone_name)
        origin = weights or ("pretrained" if pretrained else "random")
        self.name = backbone_name
        self.model = _made(factory, backbone_name, origin, seed, options)
        self.frozen = False
        self.freeze(freeze_backbone)

    @property
    def mean(self) -> tuple[float, float, float]:
        """What is subtracted from images that are scaled to 0 to 1."""
        red, green, blue = self.model.mean
        return red, green, blue

    @property
    def std(self) -> tuple[float, float, float]:
        """What images are then divided by."""
        red, green, blue = self.model.std
        return red, green, blue

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the images that the model was made for."""
        embed = getattr(getattr(self.model, "vit", None), "patch_embed", None)
        if getattr(embed, "img_size", None) is not None:
            height, width = embed.img_size  # type: ignore[union-attr]
            return int(height), int(width)
        side = max(1, USUAL_SIDE // self.model.patch_size) * self.model.patch_size
        return side, side

    @property
    def has_cls(self) -> bool:
        """Whether the first token is a class token."""
        return bool(self.model.has_cls)

    def get_token_dim(self) -> int:
        """Width of a token."""
        return int(self.model.token_dim)

    def get_num_tokens(self) -> int:
        """Number of tokens of an image of `image_size`."""
        prefix = int(self.model.has_cls) + int(self.model.registers)
        return prefix + int(self.model.num_tokens(*self.image_size))

    def freeze(self, frozen: bool = True) -> None:
        """Stop gradients at the backbone and keep it in evaluation mode, or undo that."""
        self.frozen = frozen
        self.model.requires_grad_(not frozen)
        self.train(self.training)

    def train(self, mode: bool = True) -> TokenExtractorBackbone:
        """Set the training mode; a frozen model stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.model.eval()
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Give (B, tokens, dim) of (B, 3, H, W) images, normalised with `mean` and `std`."""
        if images.ndim != 4 or images.shape[1] != 3:
            raise ShapeError(
                f"images of shape {tuple(images.shape)} were given; expected are (B, 3, H, W)"
            )
        found = self.model(images)
        prefix = [] if found.cls is None else [found.cls[:, None]]
        if found.registers is not None:
            prefix.append(found.registers)
        return torch.cat([*prefix, found.patches], 1)


def _made(factory: Any, name: str, origin: str, seed: int, options: dict[str, Any]) -> Any:
    try:
        return factory(weights=origin, seed=seed, **options)
    except DataError as error:
        if origin != "pretrained":
            raise
        raise DataError(
            f"the pretrained weights of {name} cannot be had: {error}. Offline, give a local file"
            " (weights=FILE), or start from nothing (pretrained=False)"
        ) from error
