"""`pair-matching/BACKBONE` in the registry of models."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ._names import BACKBONES

if TYPE_CHECKING:
    from ._pair_model import PairMatchingModel

__all__ = ["PairMatchingFactory", "PairMatchingFamily", "pair_matching_family"]


class PairMatchingFactory:
    """Makes the pair-matching model of one backbone."""

    kind = "pair-matching"

    def __init__(self, backbone_name: str) -> None:
        self.backbone_name = backbone_name

    def __call__(self, **options: Any) -> PairMatchingModel:
        """Give a `PairMatchingModel`; `options` are those of its constructor."""
        from ._pair_model import PairMatchingModel

        return PairMatchingModel(self.backbone_name, **options)


class PairMatchingFamily:
    """Pair matching on any backbone: `pair-matching/vit_b_16`, `pair-matching/timm/NAME`."""

    def member(self, name: str) -> PairMatchingFactory:
        """Give the factory for a backbone, or say which there are."""
        from ._backbone import find_backbone

        find_backbone(name)
        return PairMatchingFactory(name)

    def members(self) -> Iterable[str]:
        """Give the names of torchvision's manner; every `timm/NAME` is a member as well."""
        return list(BACKBONES)


pair_matching_family = PairMatchingFamily()
