"""Image-set pair matching: the same individual, or not.

Importing this package imports neither torch nor pandas: every name is loaded when it is first used.
"""

from typing import TYPE_CHECKING

from tokenry_core._lazy import lazy_names

if TYPE_CHECKING:
    from .model import PairMatchingModel as PairMatchingModel
    from .model import ReasoningHead as ReasoningHead
    from .model import SetPoolingModule as SetPoolingModule
    from .model import TokenExtractorBackbone as TokenExtractorBackbone
    from .model import pair_matching_family as pair_matching_family

__version__ = "0.1.0"

_HOMES = {
    "PairMatchingModel": "model",
    "ReasoningHead": "model",
    "SetPoolingModule": "model",
    "TokenExtractorBackbone": "model",
    "pair_matching_family": "model",
}
__getattr__, __all__ = lazy_names(__name__, _HOMES)
