"""Rows of several fields joined into one sequence with marks around each field, and cut again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import DataError
from ._ragged import Ragged


def join_rows(parts: Sequence[tuple[int, Ragged, int]]) -> Ragged:
    """Give begin, values and end of each part, row by row.

    >>> row = Ragged(np.array([7, 8]), np.array([0, 2]))
    >>> join_rows([(1, row, 2)]).values.tolist()
    [1, 7, 8, 2]
    """
    counts = {part.rows for _, part, _ in parts}
    if len(counts) > 1:
        raise DataError(f"The fields have different numbers of rows: {sorted(counts)}.")
    lengths = np.stack([np.asarray(part.lengths) + 2 for _, part, _ in parts])
    indptr = np.concatenate([[0], np.cumsum(lengths.sum(0))])
    values = np.empty(indptr[-1], np.result_type(*(part.values.dtype for _, part, _ in parts)))
    starts = indptr[:-1] + np.cumsum(lengths, axis=0) - lengths
    for (begin, part, end), start, length in zip(parts, starts, lengths, strict=True):
        values[start] = begin
        values[start + length - 1] = end
        shift = start + 1 - np.asarray(part.indptr)[:-1]
        values[np.repeat(shift, length - 2) + np.arange(len(part.values))] = part.values
    return Ragged(values, indptr)


def split_rows(
    values: np.ndarray[Any, Any],
    indptr: np.ndarray[Any, Any],
    fields: Sequence[tuple[str, int, int, int]],
) -> list[Ragged]:
    """Give each field's values, row by row; `fields` are (name, begin id, first id, size).

    Every value must stand between its field's marks, and the marks must pair up within a row.
    """
    rows = len(indptr) - 1
    row_of = np.repeat(np.arange(rows), np.diff(indptr))
    parts, claimed = [], 0
    for name, begin, first, size in fields:
        opened, closed = values == begin, values == begin + 1
        depth = np.cumsum(opened.astype(np.int64) - closed)
        mine = (values >= first) & (values < first + size)
        ends = depth[indptr[1:][np.diff(indptr) > 0] - 1]
        whole = opened.sum() == closed.sum() and not ends.any() and not (depth < 0).any()
        if not whole or (depth > 1).any() or (depth[mine] != 1).any():
            raise DataError(
                f"A sequence does not hold {name!r} between its begin ({begin}) and end "
                f"({begin + 1}) ids."
            )
        inside = int(depth[~opened].sum())
        if inside != mine.sum():
            raise DataError(f"A sequence holds ids of something else, or masks, inside {name!r}.")
        claimed += int(mine.sum() + opened.sum() + closed.sum())
        counts = np.bincount(row_of[mine], minlength=rows)
        parts.append(Ragged(values[mine], np.concatenate([[0], np.cumsum(counts)])))
    if claimed != len(values):
        raise DataError("A sequence holds pad or mask ids between its fields. Decode them first.")
    return parts
