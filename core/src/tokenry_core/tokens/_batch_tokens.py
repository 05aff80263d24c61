"""From what tokenizers give to what models take: all fields of one kind as one `Tokens`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .._fields import Field, FieldSpec
from ..errors import ConfigError, DataError
from ._independence import Independence
from ._ragged import Ragged
from ._tokens import Tokens
from ._tree import join_key

if TYPE_CHECKING:
    from .._batch import TokenBatch
    from ._vocabulary import Vocabulary


def tokens_from_batch(
    batch: TokenBatch | Mapping[str, TokenBatch],
    kind: Literal["discrete", "dense"] = "discrete",
    *,
    vocabulary: Vocabulary | None = None,
    independence: Independence | Mapping[str, Any] | None = None,
    sizes: Mapping[str, int] | None = None,
    pad_value: float | None = None,
) -> Tokens:
    """Give one `Tokens` of all fields of one kind: ids, or vectors, never mixed.

    The keys are the field names, so that labels say which field each token is from; of several
    tokenizers' batches, given by name, they are `tokenizer/field`. Rows of a ragged field are
    padded to the longest, or to its number in `sizes`, and the padding mask knows. Of a dense
    field the last event dimension is the vector. A `vocabulary` gives joint ids. Padding is 0, or
    the vocabulary's pad; it is not the missing id, which a model should see.

    >>> from tokenry_core import Field, FieldSpec, Spec, TokenBatch
    >>> spec = Spec((FieldSpec.tokens("colour", codes=8, event=(2,)),))
    >>> batch = TokenBatch(spec, {"colour": Field(np.array([[1, 8]], np.uint16))}, ids=[11])
    >>> tokens_from_batch(batch)
    Tokens(data=(1, 2, 1) int32, colour=2)
    """
    batches = _named(batch)
    data: dict[str, dict[str, Any]] = {}
    batch_ndims: dict[str, dict[str, int]] = {}
    for name, one in batches.items():
        for spec in one.spec.fields:
            if spec.kind == kind:
                key = join_key(join_key("", name) if name else "", spec.name)
                leaf = _leaf(key, spec, one.fields[spec.name], vocabulary, sizes or {})
                data.setdefault(name, {})[spec.name] = leaf
                vectors = kind == "dense" and spec.event
                batch_ndims.setdefault(name, {})[spec.name] = 1 if vectors else 0
    if not data:
        has = [spec.name for one in batches.values() for spec in one.spec.fields]
        raise ConfigError(f"No field is {kind}. The batch has {has}; ask for the other kind.")
    if pad_value is None:
        pad_value = vocabulary.pad if vocabulary is not None and kind == "discrete" else 0.0
    return Tokens.from_pytree(
        data.get("", data),
        independence,
        batch_ndims=batch_ndims.get("", batch_ndims),
        pad_value=pad_value,
    )


def _named(batch: TokenBatch | Mapping[str, TokenBatch]) -> dict[str, TokenBatch]:
    """Give the batches by the name of their tokenizer; a batch alone has the empty name."""
    from .._batch import TokenBatch

    if isinstance(batch, TokenBatch):
        return {"": batch}
    batches = dict(batch)
    for name, other in batches.items():
        first, one = next(iter(batches.items()))
        if not other.ids.equals(one.ids):
            raise DataError(
                f"The batches {first!r} and {name!r} are of different rows: their ids differ."
            )
    return batches


def _leaf(
    key: str,
    spec: FieldSpec,
    field: Field,
    vocabulary: Vocabulary | None,
    sizes: Mapping[str, int],
) -> Any:
    values: Any = field.values
    if spec.kind == "discrete":
        if vocabulary is not None:
            values = vocabulary.encode(key, values)
        else:  # models embed signed ids; the smallest that holds the missing id too
            values = values.astype(np.int32 if spec.codes < 2**31 else np.int64)
    return values if field.indptr is None else Ragged(values, field.indptr, sizes.get(key))
