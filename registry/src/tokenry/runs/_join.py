"""The tokens of several tokenizers side by side, and rows that one of them could not encode."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa

from tokenry_core import Array, Field, FieldSpec, Spec, TokenBatch

__all__ = ["field_names", "join", "keep_rows", "scatter"]


def field_names(specs: Mapping[str, Spec]) -> dict[str, dict[str, str]]:
    """Give each tokenizer's field names in the output: its own, prefixed where not unique.

    >>> one = Spec((FieldSpec.tokens("tokens", codes=4),))
    >>> field_names({"a": one, "b": one})
    {'a': {'tokens': 'a_tokens'}, 'b': {'tokens': 'b_tokens'}}
    """
    uses = Counter(field.name for spec in specs.values() for field in spec.fields)
    return {
        key: {f.name: f.name if uses[f.name] == 1 else f"{key}_{f.name}" for f in spec.fields}
        for key, spec in specs.items()
    }


def join(batches: Mapping[str, TokenBatch]) -> TokenBatch:
    """Give one batch of all tokenizers' fields, for the same rows."""
    names = field_names({key: batch.spec for key, batch in batches.items()})
    metas = Counter(name for batch in batches.values() for name in batch.meta)
    first = next(iter(batches.values()))
    specs: list[FieldSpec] = []
    fields, meta, counts = {}, {}, {}
    for key, batch in batches.items():
        for spec in batch.spec.fields:
            name = names[key][spec.name]
            specs.append(replace(spec, name=name))
            fields[name] = batch.fields[spec.name]
        for name, value in batch.meta.items():
            meta[name if metas[name] == 1 else f"{key}_{name}"] = value
        counts.update({f"{key}.{name}": count for name, count in batch.counts.items()})
    heavy = any(batch.spec.heavy for batch in batches.values())
    return TokenBatch(Spec(tuple(specs), heavy), fields, first.ids, first.id_col, meta, counts)


def scatter(tokens: TokenBatch, good: Array, ids: pa.Array) -> TokenBatch:
    """Give a batch of all rows out of the good ones' tokens; the others are missing."""
    fields = {
        spec.name: _spread(spec, tokens.fields[spec.name], good) for spec in tokens.spec.fields
    }
    return TokenBatch(tokens.spec, fields, ids, tokens.id_col, tokens.meta, tokens.counts)


def _spread(spec: FieldSpec, field: Field, good: Array) -> Field:
    if field.indptr is not None:
        lengths = np.zeros(len(good), np.int64)
        lengths[good] = np.diff(field.indptr)
        return Field(field.values, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))
    missing = spec.codes if spec.kind == "discrete" else np.nan
    values = np.full((len(good), *spec.event), missing, field.values.dtype)
    values[good] = field.values
    return Field(values)


def keep_rows(rows: int, bad: Iterable[int]) -> Array:
    """Give a mask that is False at the bad rows."""
    keep = np.ones(rows, bool)
    keep[list(bad)] = False
    return keep
