"""What a backbone gives, and the backbone that wraps a vision transformer of timm."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from tokenry_core.errors import ConfigError, ShapeError

__all__ = ["Backbone", "Features", "TimmBackbone"]


class Features(NamedTuple):
    """The tokens of a batch of images.

    `patches` is (B, n, dim) in row-major order of the patches; `cls` is (B, dim) and `registers`
    (B, r, dim), None where the model has none.
    """

    patches: Tensor
    cls: Tensor | None = None
    registers: Tensor | None = None


class Backbone(Protocol):
    """What `dino-patch` needs of a model of the kind "backbone", from whatever package.

    Its factory is called with `weights`, `seed`, `layer`, `normalized` and the model's own
    options; the module is called with (B, 3, H, W) images, scaled to 0 to 1 and then by `mean`
    and `std`, and gives `Features`.
    """

    token_dim: int
    patch_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    has_cls: bool
    registers: int

    def num_tokens(self, height: int, width: int) -> int:
        """Number of patches of an input of this size."""
        ...

    def __call__(self, images: Tensor) -> Features:
        """Tokens of normalised images."""
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """The weights, which decide the tokens."""
        ...


class TimmBackbone(nn.Module):
    """A vision transformer of timm as a backbone.

    Patch size, number of prefix tokens, mean and standard deviation are the model's own: a model
    with registers has five prefix tokens where one without has one, and taking patches from a
    fixed position would shift every one of them.
    """

    def __init__(self, vit: Any, layer: int = -1, normalized: bool = True) -> None:
        super().__init__()
        _require_vit(vit)
        depth = len(vit.blocks)
        if not -depth <= layer < depth:
            raise ConfigError(f"layer {layer} was given; the model has the layers 0 to {depth - 1}")
        self.vit = vit
        self.layer = layer % depth
        self.normalized = normalized
        self.token_dim = int(vit.embed_dim)
        self.patch_size = _patch_size(vit)
        self.has_cls = getattr(vit, "cls_token", None) is not None
        self.prefix = int(vit.num_prefix_tokens)
        self.registers = self.prefix - int(self.has_cls)
        self.mean = _triple(vit.pretrained_cfg["mean"])
        self.std = _triple(vit.pretrained_cfg["std"])

    def num_tokens(self, height: int, width: int) -> int:
        """Number of patches of an input of this size."""
        return (height // self.patch_size) * (width // self.patch_size)

    def forward(self, images: Tensor) -> Features:
        """Tokens of (B, 3, H, W) images that are normalised with `mean` and `std`."""
        height, width = images.shape[-2:]
        if height % self.patch_size or width % self.patch_size:
            raise ShapeError(
                f"images of {width} x {height} pixels were given; both sides have to be multiples"
                f" of the patch size {self.patch_size}"
            )
        ((patches, prefix),) = self.vit.forward_intermediates(
            images,
            indices=[self.layer],
            return_prefix_tokens=True,
            norm=self.normalized,
            stop_early=True,
            output_fmt="NLC",
            intermediates_only=True,
        )
        if patches.shape[1] != self.num_tokens(height, width):
            raise ShapeError(
                f"the model gave {patches.shape[1]} patches of {width} x {height} pixels;"
                f" expected are {self.num_tokens(height, width)}"
            )
        cls = prefix[:, 0] if self.has_cls else None
        return Features(patches, cls, prefix[:, int(self.has_cls) :] if self.registers else None)


def _require_vit(model: Any) -> None:
    wanted = ("blocks", "embed_dim", "patch_embed", "num_prefix_tokens", "forward_intermediates")
    missing = [name for name in wanted if not hasattr(model, name)]
    if missing:
        raise ConfigError(
            f"{type(model).__name__} is no vision transformer (it lacks {', '.join(missing)});"
            " give a timm model such as timm/vit_small_patch14_dinov2"
        )


def _patch_size(vit: Any) -> int:
    height, width = torch.Size(vit.patch_embed.patch_size)
    if height != width:
        raise ConfigError(f"the model's patches are {width} x {height}; only square ones are known")
    return int(height)


def _triple(values: Any) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
