"""Rows with something missing or not finite, in every place where that can be."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from ._tokenizer_case import with_column

__all__ = ["damaged", "with_nulls"]

_BAD = (("NaN", float("nan")), ("Inf", float("inf")), ("-Inf", -float("inf")))


def with_nulls(batch: pa.RecordBatch, name: str, rows: Sequence[int]) -> pa.RecordBatch:
    """Give the batch with null in some rows of one column."""
    keep = np.ones(batch.num_rows, bool)
    keep[list(rows)] = False
    take = pa.array(np.arange(batch.num_rows), mask=~keep)
    column = batch.column(name)
    if isinstance(column, pa.ExtensionArray):
        new = pa.ExtensionArray.from_storage(column.type, column.storage.take(take))
    else:
        new = column.take(take)
    return with_column(batch, name, new)


def damaged(
    batch: pa.RecordBatch, name: str, rows: Sequence[int]
) -> Iterator[tuple[str, bool, pa.RecordBatch]]:
    """Give batches with some rows of one column damaged: by what, whether the whole value, which.

    The value of a list column is damaged in its first number.
    """
    yield "null", True, with_nulls(batch, name, rows)
    column = batch.column(name)
    leaf = _leaf(column.type)
    nested = leaf != column.type
    if not pa.types.is_floating(leaf):
        return
    for what, bad in (*_BAD, *([("a null", None)] if nested else [])):
        new = _with_value(column, bad, rows)
        if new is not None:
            yield (f"{what} inside" if nested else what), not nested, with_column(batch, name, new)


def _with_value(column: pa.Array, bad: Any, rows: Sequence[int]) -> pa.Array | None:
    storage = column.storage if isinstance(column, pa.ExtensionArray) else column
    values = storage.to_pylist()
    for row in rows:
        values[row] = _first_replaced(values[row], bad)
    if values == storage.to_pylist():
        return None  # there was no number to replace
    new = pa.array(values, storage.type)
    is_extension = isinstance(column, pa.ExtensionArray)
    return pa.ExtensionArray.from_storage(column.type, new) if is_extension else new


def _first_replaced(value: Any, bad: Any) -> Any:
    if not isinstance(value, list):
        return bad
    value = copy.copy(value)
    for i, inner in enumerate(value):
        if inner is not None and inner != []:
            value[i] = _first_replaced(inner, bad)
            break
    return value


def _leaf(kind: Any) -> Any:
    if isinstance(kind, pa.BaseExtensionType):
        return _leaf(kind.storage_type)
    nested = (
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )
    return _leaf(kind.value_type) if nested else kind
