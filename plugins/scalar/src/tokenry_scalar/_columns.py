"""Arrow columns as floats: missing becomes NaN, what would lose digits is refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tokenry_core import batch_ids, require
from tokenry_core.errors import DataError, MissingColumn
from tokenry_scalar._floats import Floats

_EXACT = 2**53  # the largest magnitude up to which every integer is a float64
_IDEA = "leave it out of scalar_columns, or cast it to a number before"


def scalar_columns(schema: pa.Schema, names: tuple[str, ...] | None, booleans: bool) -> list[str]:
    """Give the columns to tokenize: those named, or all of a fitting type but the id."""
    if names is not None:
        require(schema, list(names))
        for name in names:
            check_type(name, schema.field(name).type, booleans)
        return list(names)
    id_column = batch_ids(pa.RecordBatch.from_pylist([], schema))[1]
    found = [
        field.name
        for field in schema
        if field.name != id_column and not _refusal(field.type, booleans)
    ]
    if not found:
        raise MissingColumn(
            f"no column holds numbers or dates; there are: {', '.join(schema.names)}"
        )
    return found


def check_type(name: str, kind: pa.DataType, booleans: bool) -> None:
    """Refuse a column whose type has no place on a line of numbers."""
    refusal = _refusal(kind, booleans)
    if refusal:
        raise DataError(f'column "{name}" is {kind}: {refusal}')


def column_floats(name: str, column: pa.Array, booleans: bool) -> Floats:
    """Give a column as float32 or float64, without copying where it is one and has no nulls.

    >>> column_floats("n", pa.array([1, None, 3]), booleans=False).tolist()
    [1.0, nan, 3.0]
    """
    kind = column.type
    if isinstance(column, pa.ExtensionArray):
        return column_floats(name, column.storage, booleans)
    if pa.types.is_dictionary(kind):
        return column_floats(name, column.dictionary_decode(), booleans)
    check_type(name, kind, booleans)
    if pa.types.is_null(kind):
        return read_only(np.full(len(column), np.nan, np.float32))
    if not (pa.types.is_float32(kind) or pa.types.is_float64(kind)):
        column = _as_float(name, column)
    return read_only(column.to_numpy(zero_copy_only=False))


def is_whole(kind: pa.DataType) -> bool:
    """Whether a type holds whole numbers only."""
    if isinstance(kind, pa.ExtensionType):
        return is_whole(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return is_whole(kind.value_type)
    return bool(
        pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_temporal(kind)
    )


def read_only(values: Any) -> Floats:
    """Give a view that cannot be written to: the kernels are compiled for such."""
    view: Floats = np.ascontiguousarray(values).view()
    view.flags.writeable = False
    return view


def _refusal(kind: pa.DataType, booleans: bool) -> str:
    if isinstance(kind, pa.ExtensionType):
        return _refusal(kind.storage_type, booleans)
    if pa.types.is_dictionary(kind):
        return _refusal(kind.value_type, booleans)
    if pa.types.is_boolean(kind):
        return "" if booleans else "give booleans=True to take it as 0 and 1"
    numbers = pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)
    if numbers or pa.types.is_temporal(kind) or pa.types.is_null(kind):
        return "" if not pa.types.is_interval(kind) else _IDEA
    return _IDEA


def _as_float(name: str, column: pa.Array) -> pa.Array:
    """Convert what is not a float: small types to float32, which holds them, others to float64."""
    kind = column.type
    if pa.types.is_boolean(kind):
        column = column.cast(pa.uint8())
    elif pa.types.is_temporal(kind):
        column = column.view(pa.int32() if kind.bit_width == 32 else pa.int64())
    if pa.types.is_integer(column.type):
        if column.type.bit_width == 64:
            _check_digits(name, column, kind)
        return column.cast(pa.float32() if column.type.bit_width <= 16 else pa.float64())
    return column.cast(pa.float32() if pa.types.is_float16(kind) else pa.float64())


def _check_digits(name: str, column: pa.Array, kind: pa.DataType) -> None:
    ends = pc.min_max(column)
    low, high = ends["min"].as_py(), ends["max"].as_py()
    if low is not None and max(-low, high) > _EXACT:
        raise DataError(
            f'column "{name}" is {kind} and holds {high if high > _EXACT else low}, beyond 2**53,'
            " where floats lose digits: an id is no scalar, leave it out of scalar_columns;"
            " cast a time to a coarser unit"
        )
