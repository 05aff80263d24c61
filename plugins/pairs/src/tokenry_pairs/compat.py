"""Other spellings of what this package offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenry_core.errors import UnknownName

from .model import BACKBONES, PairMatchingFactory

if TYPE_CHECKING:
    from .model import PairMatchingModel

__all__ = ["get_model"]

_PREFIX = "pair_matching_"


def get_model(name: str, **options: Any) -> PairMatchingModel:
    """Give a pair-matching model by one word: `get_model("pair_matching_vit_b_16")`.

    The same model is `Registry("tokenry.models")["pair-matching/vit_b_16"](**options)`.
    """
    if not name.startswith(_PREFIX):
        raise UnknownName(
            f'"{name}" is no pair-matching model; allowed are'
            f" {', '.join(_PREFIX + known for known in BACKBONES)}"
        )
    return PairMatchingFactory(name.removeprefix(_PREFIX))(**options)
