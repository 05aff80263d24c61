"""Tokens: all fields of a sample in one array, ready to train on, for NumPy, torch and JAX."""

from ._batch_tokens import tokens_from_batch
from ._block_summary import BlockSummary, build_block_summary
from ._combine import combine_tokens
from ._errors import PaddingWarning, UnknownKey
from ._flatten import decode_pytree, flatten_pytree, update_flat_array
from ._functional import flatten_functional_inputs
from ._generator import TokenGenerator, generate_static_dataset
from ._independence import Independence
from ._layout import Layout, Slot
from ._mask_function import build_mask_function
from ._masks import (
    build_cross_attention_mask,
    build_padding_mask,
    build_self_attention_mask,
    rows_without_attention,
)
from ._ragged import Ragged
from ._tokens import Tokens
from ._view import TokenView
from ._vocabulary import Vocabulary, VocabularyField

__all__ = [
    "BlockSummary",
    "Independence",
    "Layout",
    "PaddingWarning",
    "Ragged",
    "Slot",
    "TokenGenerator",
    "TokenView",
    "Tokens",
    "UnknownKey",
    "Vocabulary",
    "VocabularyField",
    "build_block_summary",
    "build_cross_attention_mask",
    "build_mask_function",
    "build_padding_mask",
    "build_self_attention_mask",
    "combine_tokens",
    "decode_pytree",
    "flatten_functional_inputs",
    "flatten_pytree",
    "generate_static_dataset",
    "rows_without_attention",
    "tokens_from_batch",
    "update_flat_array",
]
