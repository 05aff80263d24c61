"""List columns as flat arrays and lengths, by their offsets: no loop over rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tokenry_core.errors import DataError

Features = NDArray[np.float32]
Lengths = NDArray[np.int64]


@dataclass(frozen=True)
class Points:
    """The points of a group in a batch: how many each row has, and their features.

    `lengths` has one entry a row; `present` is False where a row has no spectrum at all.
    `features(first, last)` gives the points first to last of all rows in sequence, as one float32
    row a feature; it is called for a run of points at a time, so that memory stays bounded. `bad`
    maps rows that cannot be read to the reason; nobody asks for features while it is not empty.
    `length` is the number of points where the type of the column fixes it. `positions(first,
    last)` are times of the points, for pictures.
    """

    lengths: Lengths
    present: NDArray[np.bool_]
    features: Callable[[int, int], Features]
    bad: Mapping[int, str] = field(default_factory=dict)
    length: int | None = None
    positions: Callable[[int, int], NDArray[Any]] | None = None


@dataclass(frozen=True)
class Lists:
    """Some list columns that belong together, point by point."""

    values: tuple[NDArray[Any], ...]
    lengths: Lengths
    present: NDArray[np.bool_]
    bad: Mapping[int, str]
    length: int | None

    @property
    def indptr(self) -> Lengths:
        """Where the points of each row begin, and where the last ones end."""
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(self.lengths)])


def read_lists(batch: pa.RecordBatch, names: Sequence[str]) -> Lists:
    """Give the list columns `names` of a batch as flat arrays that share their lengths.

    A row that is null in any of them has no points. A row whose lists differ in length is bad.

    >>> batch = pa.record_batch({"flux": [[1.0, 2.0], None, [3.0]]})
    >>> lists = read_lists(batch, ["flux"])
    >>> lists.values[0].tolist(), lists.lengths.tolist()
    ([1.0, 2.0, 3.0], [2, 0, 1])
    """
    columns = [_list_column(batch, name) for name in names]
    present = np.ones(batch.num_rows, np.bool_)
    for column in columns:
        if column.null_count:
            present &= column.is_valid().to_numpy(zero_copy_only=False)
    counted = [_lengths(column) for column in columns]
    lengths = np.where(present, counted[0], 0)
    bad = _unequal(names, counted, present)
    if not present.all():
        columns = [column.filter(pa.array(present)) for column in columns]
    fixed = {column.type.list_size for column in columns if _is_fixed(column.type)}
    length = fixed.pop() if len(fixed) == 1 else None
    return Lists(tuple(_flat(column) for column in columns), lengths, present, bad, length)


def as_float32(values: NDArray[Any]) -> NDArray[np.float32]:
    """Give the values as float32; beyond its range they are infinite, which means missing."""
    if values.dtype == np.float32:
        return values
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def _list_column(batch: pa.RecordBatch, name: str) -> pa.Array:
    column = batch.column(name)
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if pa.types.is_null(column.type):  # a column in which nothing was ever present
        return column.cast(pa.large_list(pa.float32()))
    kind = column.type
    types = pa.types
    listed = any(
        is_kind(kind)
        for is_kind in (types.is_list, types.is_large_list, types.is_list_view,
                        types.is_large_list_view, types.is_fixed_size_list)
    )  # fmt: skip
    if not listed or not _is_numeric(kind.value_type):
        raise DataError(
            f'column "{name}" is {kind}; a spectrum or light curve is a list of numbers per row'
        )
    return column


def _is_fixed(kind: pa.DataType) -> bool:
    return bool(pa.types.is_fixed_size_list(kind))


def _is_numeric(kind: pa.DataType) -> bool:
    known = (pa.types.is_floating, pa.types.is_integer, pa.types.is_decimal, pa.types.is_null)
    return any(is_kind(kind) for is_kind in known)


def _lengths(column: pa.Array) -> Lengths:
    if _is_fixed(column.type):
        return np.full(len(column), column.type.list_size, np.int64)
    counted = pc.fill_null(pc.list_value_length(column), 0)
    return np.asarray(counted.to_numpy(zero_copy_only=False), np.int64)


def _flat(column: pa.Array) -> NDArray[Any]:
    values = column.flatten()
    if pa.types.is_decimal(values.type) or pa.types.is_null(values.type):
        values = values.cast(pa.float64())
    return np.asarray(values.to_numpy(zero_copy_only=False))


def _unequal(
    names: Sequence[str], counted: Sequence[Lengths], present: NDArray[np.bool_]
) -> dict[int, str]:
    differ = np.zeros(len(present), np.bool_)
    for lengths in counted[1:]:
        differ |= (lengths != counted[0]) & present
    return {
        int(row): ", ".join(
            f"{name} has {lengths[row]} points"
            for name, lengths in zip(names, counted, strict=True)
        )
        for row in np.flatnonzero(differ)
    }
