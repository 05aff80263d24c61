"""2D patch tokens and patch-pair geometry, exact and in linear time.

Importing this package imports neither torch nor numba: every name is loaded when it is first used.
"""

from typing import TYPE_CHECKING

from tokenry_core._lazy import lazy_names

if TYPE_CHECKING:
    from tokenry_patch2d._config import Patch2dConfig as Patch2dConfig
    from tokenry_patch2d._config import Patch2dPairsConfig as Patch2dPairsConfig
    from tokenry_patch2d._contrastive import PatchPairDataset as PatchPairDataset
    from tokenry_patch2d._extract import extract_patch_pairs as extract_patch_pairs
    from tokenry_patch2d._pairs import build_sequence_pair as build_sequence_pair
    from tokenry_patch2d._pairs_tokenizer import Patch2dPairsTokenizer as Patch2dPairsTokenizer
    from tokenry_patch2d._plan import PatchPairs as PatchPairs
    from tokenry_patch2d._tokenizer import Patch2dTokenizer as Patch2dTokenizer
    from tokenry_patch2d._tokens import tokenize_patch as tokenize_patch
    from tokenry_patch2d._tokens import untokenize as untokenize

__version__ = "0.1.0"

_HOMES = {
    "Patch2dConfig": "_config",
    "Patch2dPairsConfig": "_config",
    "PatchPairDataset": "_contrastive",
    "extract_patch_pairs": "_extract",
    "build_sequence_pair": "_pairs",
    "Patch2dPairsTokenizer": "_pairs_tokenizer",
    "PatchPairs": "_plan",
    "Patch2dTokenizer": "_tokenizer",
    "tokenize_patch": "_tokens",
    "untokenize": "_tokens",
}
__getattr__, __all__ = lazy_names(__name__, _HOMES)
