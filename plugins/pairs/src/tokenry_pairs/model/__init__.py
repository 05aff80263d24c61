"""Backbone, set pooling, reasoning head, and the model that they make."""

from typing import TYPE_CHECKING

from tokenry_core._lazy import lazy_names

if TYPE_CHECKING:
    from ._backbone import TokenExtractorBackbone as TokenExtractorBackbone
    from ._family import PairMatchingFactory as PairMatchingFactory
    from ._family import pair_matching_family as pair_matching_family
    from ._names import BACKBONES as BACKBONES
    from ._pair_model import PairMatchingModel as PairMatchingModel
    from ._pooling import POOLINGS as POOLINGS
    from ._pooling import SetPoolingModule as SetPoolingModule
    from ._pooling import pad_sets as pad_sets
    from ._reasoning import REASONINGS as REASONINGS
    from ._reasoning import ReasoningHead as ReasoningHead

_HOMES = {
    "TokenExtractorBackbone": "_backbone",
    "PairMatchingFactory": "_family",
    "pair_matching_family": "_family",
    "BACKBONES": "_names",
    "PairMatchingModel": "_pair_model",
    "POOLINGS": "_pooling",
    "SetPoolingModule": "_pooling",
    "pad_sets": "_pooling",
    "REASONINGS": "_reasoning",
    "ReasoningHead": "_reasoning",
}
__getattr__, __all__ = lazy_names(__name__, _HOMES)
