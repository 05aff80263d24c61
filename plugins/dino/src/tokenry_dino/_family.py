"""`timm/NAME` in the registry of models, and the short names of the DINO models."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tokenry_core.errors import ConfigError, DataError, UnknownName, nearest

if TYPE_CHECKING:
    from ._backbone import TimmBackbone

__all__ = ["ALIASES", "TimmFactory", "TimmFamily", "timm_family"]

ALIASES = {
    "dinov2_vits14": "vit_small_patch14_dinov2",
    "dinov2_vitb14": "vit_base_patch14_dinov2",
    "dinov2_vitl14": "vit_large_patch14_dinov2",
    "dinov2_vitg14": "vit_giant_patch14_dinov2",
    "dinov2_vits14_reg": "vit_small_patch14_reg4_dinov2",
    "dinov2_vitb14_reg": "vit_base_patch14_reg4_dinov2",
    "dinov2_vitl14_reg": "vit_large_patch14_reg4_dinov2",
    "dinov2_vitg14_reg": "vit_giant_patch14_reg4_dinov2",
    "dinov3_vits16": "vit_small_patch16_dinov3",
    "dinov3_vits16plus": "vit_small_plus_patch16_dinov3",
    "dinov3_vitb16": "vit_base_patch16_dinov3",
    "dinov3_vitl16": "vit_large_patch16_dinov3",
    "dinov3_vith16plus": "vit_huge_plus_patch16_dinov3",
    "dinov3_vit7b16": "vit_7b_patch16_dinov3",
}
"""The names that the DINO papers' own repositories use, and timm's names for the same models."""


class TimmFactory:
    """Makes the backbone of one timm model, at any input size that its patches fill."""

    kind = "backbone"

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(
        self,
        *,
        weights: str = "pretrained",
        seed: int = 0,
        layer: int = -1,
        normalized: bool = True,
        **options: Any,
    ) -> TimmBackbone:
        """Give the module in evaluation mode.

        `weights` is "pretrained" (from the hub, through timm's cache), "random" (drawn from
        `seed`), or a .safetensors, .pt or .pth file; timm converts the original DINO files.
        `layer` counts the blocks, negative from the end; `normalized` applies the model's final
        norm. `options` go to timm: `depth=2, embed_dim=48, num_heads=3`.
        """
        from ._backbone import TimmBackbone
        from ._weights import seeded

        with seeded(seed):
            vit = self._create(weights, options)
        return TimmBackbone(vit, layer, normalized).eval().requires_grad_(False)

    def _create(self, weights: str, options: dict[str, Any]) -> Any:
        from ._timm import import_timm
        from ._weights import load_checkpoint

        timm = import_timm()
        options = {"num_classes": 0, "dynamic_img_size": True, **options}
        try:
            vit = timm.create_model(self.name, pretrained=weights == "pretrained", **options)
        except TypeError as error:
            if "dynamic_img_size" in str(error):
                raise ConfigError(
                    f"timm/{self.name} is no vision transformer that takes images of any size; give"
                    " one such as timm/vit_small_patch14_dinov2"
                ) from None
            raise ConfigError(f"timm/{self.name} cannot be made: {error}") from None
        except (RuntimeError, OSError, ValueError) as error:
            raise DataError(
                f"timm/{self.name} cannot be made with {weights} weights: {error}; without access"
                " to the hub, give a local .safetensors, .pt or .pth file as weights"
            ) from error
        if weights not in ("pretrained", "random"):
            load_checkpoint(vit, weights)
        return vit


class TimmFamily:
    """All vision transformers of timm: `timm/vit_small_patch14_dinov2`."""

    def member(self, name: str) -> TimmFactory:
        """Give the factory of a model, also with timm's tag: `vit_base_patch14_dinov2.lvd142m`."""
        known = self.members()
        if name.partition(".")[0] not in known:
            raise UnknownName(f'timm has no model "{name}".{nearest(name, known)}')
        return TimmFactory(name)

    def members(self) -> Iterable[str]:
        """Give the names that timm knows."""
        from ._timm import import_timm

        return [str(name) for name in import_timm().list_models()]


timm_family = TimmFamily()


def __getattr__(name: str) -> TimmFactory:
    if name not in ALIASES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return TimmFactory(ALIASES[name])
