"""2D patch tokens and patch-pair geometry, exact and in linear time."""

from tokenry_patch2d._extract import extract_patch_pairs
from tokenry_patch2d._pairs import build_sequence_pair
from tokenry_patch2d._tokens import tokenize_patch, untokenize

__all__ = ["build_sequence_pair", "extract_patch_pairs", "tokenize_patch", "untokenize"]
