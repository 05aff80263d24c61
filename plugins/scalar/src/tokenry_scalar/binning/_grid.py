"""Lookup tables that find the bin of a value in one or two comparisons, exactly.

A monotone function maps a value to a cell. An edge in an earlier cell is not above the value, an
edge in a later cell is above it, so only the edges of the value's own cell are compared. That holds
for any monotone function, in floating point too: subtraction, multiplication, division and
truncation each preserve order after rounding. Of a few functions (linear, linear in the bits of the
float, x / (1 + |x|)) each column takes the one whose fullest cell holds the fewest edges.

Float32 columns are compared in float32: e <= v is ceil(e) <= v where ceil rounds the float64 edge
up to a float32. Edges that coincide after that are merged, and a rank table gives the token back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokenry_scalar._floats import Floats, ceil32, floor32, keys_of_floats
from tokenry_scalar.binning import _kernels

CELLS = (512, 2048, 4096, 8192, 16384)
FEWEST, MOST = 1, 65_535


@dataclass(frozen=True)
class Bins:
    """What one column encodes with: edges, the clipping range, and the token of a missing value."""

    edges: NDArray[np.float64]
    missing: int
    limits: tuple[float, float] = (-np.inf, np.inf)

    @property
    def trained(self) -> bool:
        """Whether there are edges; without them every value is missing."""
        return self.edges.size > 1


@dataclass(frozen=True)
class _Column:
    mode: int
    steps: int
    form: Floats
    key: NDArray[np.int64]
    extent: Floats
    start: NDArray[np.uint16]
    edges: Floats
    rank: NDArray[np.uint16]

    @property
    def ranked(self) -> bool:
        return bool(np.any(self.rank != np.arange(self.rank.size)))


class Grid:
    """Tables of several columns of one float type, laid end to end for the kernels."""

    def __init__(self, bins: Sequence[Bins], dtype: type[np.floating]) -> None:
        columns = [_lay_out(column, np.dtype(dtype)) for column in bins]
        self.dtype = np.dtype(dtype)
        self.form = np.stack([c.form for c in columns])
        self.key = np.stack([c.key for c in columns])
        self.extent = np.stack([c.extent for c in columns])
        self.start, starts = _end_to_end([c.start for c in columns])
        self.edges, edges = _end_to_end([c.edges for c in columns])
        self.rank, ranks = _end_to_end([c.rank for c in columns])
        rows = [
            (c.mode, c.steps, c.start.size - 1, *starts[i], *edges[i], *ranks[i], c.ranked)
            for i, c in enumerate(columns)
        ]
        self.table = np.array(rows, np.int64)
        self._kernel = _kernels.encode32 if self.dtype == np.float32 else _kernels.encode64

    def encode(
        self,
        addresses: NDArray[np.int64],
        rows: tuple[int, int],
        target: NDArray[np.int64],
        out: NDArray[np.uint16],
    ) -> NDArray[np.int64]:
        """Write the tokens of some rows into the target columns; give (missing, clipped) counts."""
        tables = (self.table, self.form, self.key, self.extent, self.start, self.edges, self.rank)
        counts: NDArray[np.int64] = self._kernel(addresses, *rows, *tables, target, out)
        return counts

    def encode_column(self, values: Floats) -> NDArray[np.uint16]:
        """Give the tokens of one column's values, for a grid of one column."""
        out = np.empty((len(values), 1), np.uint16)
        values = np.ascontiguousarray(values, self.dtype)
        address = np.array([values.ctypes.data], np.int64)
        self.encode(address, (0, len(values)), np.zeros(1, np.int64), out)
        return out[:, 0]


def _end_to_end(
    parts: list[NDArray[np.generic]],
) -> tuple[NDArray[np.generic], list[tuple[int, int]]]:
    ends = np.cumsum([part.size for part in parts]).tolist()
    return np.concatenate(parts), list(zip([0, *ends[:-1]], ends, strict=True))


def _lay_out(bins: Bins, dtype: np.dtype[np.floating]) -> _Column:
    edges, tokens = _thresholds(bins, dtype)
    rank = np.append(tokens, bins.missing).astype(np.uint16)
    mode, form, key, cells, total = _best_cells(edges, dtype)
    count = np.bincount(cells, minlength=total)
    steps = int(count.max()).bit_length() if edges.size else 0
    # One more cell for missing values: it starts past the last edge, where only NaN is compared.
    start = np.concatenate([[0], np.cumsum(count)[:-1], [edges.size + 1]]).astype(np.uint16)
    if not bins.trained:
        start[:] = edges.size + 1
    padded = np.full(edges.size + 1 + (1 << steps), np.nan, dtype)
    padded[: edges.size] = edges
    return _Column(mode, steps, form, key, _extent(bins, dtype), start, padded, rank)


def _thresholds(bins: Bins, dtype: np.dtype[np.floating]) -> tuple[Floats, NDArray[np.int64]]:
    """Give the distinct values at which the token rises, and the token after each rise.

    Clipping to [low, high] is a change of edges: one not above `low` is always passed, one above
    `high` never.
    """
    inner = bins.edges[1:-1]
    low, high = bins.limits
    base = int(np.count_nonzero(inner <= low))
    inner = inner[(inner > low) & (inner <= high)]
    thresholds: Floats = ceil32(inner) if dtype == np.float32 else inner
    thresholds = thresholds[np.isfinite(thresholds)]
    distinct, count = np.unique(thresholds, return_counts=True)
    # Negative zero: as a key it is not above either zero, as a number it is both.
    distinct[distinct == 0] = -0.0
    return distinct.astype(dtype), base + np.concatenate([[0], np.cumsum(count)])


def _extent(bins: Bins, dtype: np.dtype[np.floating]) -> Floats:
    """Give the range outside of which a value counts as clipped."""
    if not bins.trained:
        return np.array([-np.inf, np.inf], dtype)
    low = max(float(bins.edges[0]), bins.limits[0])
    high = min(float(bins.edges[-1]), bins.limits[1])
    if dtype == np.float32:
        return np.array([ceil32(np.array([low]))[0], floor32(np.array([high]))[0]], dtype)
    return np.array([low, high], dtype)


def _best_cells(
    edges: Floats, dtype: np.dtype[np.floating]
) -> tuple[int, Floats, NDArray[np.int64], NDArray[np.uint16], int]:
    """Try the cell functions on the edges; fewest halving steps win, then the smallest table."""
    best = None
    for total in CELLS:
        for mode in (_kernels.LINEAR, _kernels.BITS, _kernels.SOFTSIGN):
            form, key = _form(mode, edges, total, dtype)
            cells = np.zeros(edges.size, np.uint16)
            if edges.size and np.isfinite(form).all():
                fill = _kernels.cells32 if dtype == np.float32 else _kernels.cells64
                fill(edges, mode, form, key, total, cells)
            steps = int(np.bincount(cells, minlength=1).max()).bit_length()
            if best is None or steps < best[0]:
                best = steps, mode, form, key, cells, total
        if best is not None and best[0] <= FEWEST:
            break
    assert best is not None
    return best[1:]


def _form(
    mode: int, edges: Floats, total: int, dtype: np.dtype[np.floating]
) -> tuple[Floats, NDArray[np.int64]]:
    """Fit one cell function to the edges; a form that is not finite cannot be used."""
    form, key = np.zeros(7, dtype), np.zeros(3, np.int64)
    if edges.size == 0:
        return form, key
    with np.errstate(all="ignore"):
        if mode == _kernels.BITS:
            keys = keys_of_floats(edges[[0, -1]])
            span = int(keys[1]) - int(keys[0])
            key[:] = keys[0], max(0, span.bit_length() - total.bit_length() + 1), total - 1
        elif mode == _kernels.LINEAR:
            scale = (total - 1) / (edges[-1] - edges[0])
            form[:4] = edges[0], _bounded(scale, dtype), 0, total - 1
        else:
            quarter, middle, three = edges[[edges.size // 4, edges.size // 2, 3 * edges.size // 4]]
            scale = _bounded(2 / (three - quarter), dtype)
            form[:] = middle, scale, 0, total - 1, 1, 2, total / 2
    return form, key


def _bounded(scale: float, dtype: np.dtype[np.floating]) -> float:
    return min(float(scale), float(np.finfo(dtype).max))
