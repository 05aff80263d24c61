"""Where wanted ranks can lie: disjoint closed intervals, and how many values they hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokenry_scalar._floats import ceil32, floor32
from tokenry_scalar.counting import Tables
from tokenry_scalar.counting import _kernels as tables_of
from tokenry_scalar.search import _kernels

_LEAST = float(np.nextafter(0.0, 1.0))


@dataclass(frozen=True)
class Intervals:
    """Ascending intervals [lower, upper] that hold `count` values each, after `below` others."""

    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    below: NDArray[np.int64]
    count: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.lower)

    def within(self, low: NDArray[np.float64], high: NDArray[np.float64]) -> Intervals:
        """Give the intervals cut to what is known of the values' extremes."""
        lower, upper = np.maximum(self.lower, low), np.minimum(self.upper, high)
        return Intervals(lower, upper, self.below, self.count)

    def of_float32(self) -> Intervals:
        """Give the intervals cut to the float32 values that they hold."""
        lower, upper = ceil32(self.lower), floor32(self.upper)
        return Intervals(lower.astype(np.float64), upper.astype(np.float64), self.below, self.count)

    def select(self, keep: NDArray[np.bool_]) -> Intervals:
        """Give some of the intervals."""
        return Intervals(self.lower[keep], self.upper[keep], self.below[keep], self.count[keep])

    def boundaries(self) -> NDArray[np.float64]:
        """Give the values at which a line enters and leaves the intervals, in turn."""
        with np.errstate(over="ignore"):
            after = np.nextafter(self.upper, np.inf)
        return np.stack([self.lower, after], axis=1).reshape(-1)


NOWHERE = Intervals(np.zeros(0), np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64))


def cells_by_bits(tables: Tables, ranks: NDArray[np.int64]) -> Intervals:
    """Give the cells of the table by bits that hold the ranks."""
    cell, below, count = _cells(tables.bits, tables.span_by_bits, ranks)
    t, negative = _magnitude(cell, tables_of.BITS)
    return _intervals(_bits_floor(t), _bits_floor(t + 1), negative, below, count, tables)


def cells_by_value(tables: Tables, ranks: NDArray[np.int64]) -> Intervals:
    """Give the cells of the table by value that hold the ranks."""
    cell, below, count = _cells(tables.line, tables.span_by_value, ranks)
    t, negative = _magnitude(cell, tables_of.LINE)
    with np.errstate(over="ignore"):
        floor, ceiling = np.ldexp(t, tables.width), np.ldexp(t + 1, tables.width)
    return _intervals(floor, ceiling, negative, below, count, tables)


def _cells(
    table: NDArray[np.unsignedinteger], span: tuple[int, int], ranks: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    cell, below, count = np.zeros((3, len(ranks)), np.int64)
    first_cell, last_cell = span
    _kernels.cells_of_ranks(table[first_cell : last_cell + 1], ranks, cell, below, count)
    cell += first_cell
    distinct, first = np.unique(cell, return_index=True)
    return distinct, below[first], count[first]


def _magnitude(cell: NDArray[np.int64], cells: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    middle = cells // 2
    negative = cell < middle
    return np.where(negative, middle - 1 - cell, cell - middle), negative


def _bits_floor(t: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give the smallest magnitude in cell t."""
    bits = (np.minimum(t, tables_of.HUGE) << 11).astype(np.int32)
    floor = bits.view(np.float32).astype(np.float64)
    floor[t == tables_of.HUGE] = 2.0**128
    return floor


def _intervals(
    floor: NDArray[np.float64],
    ceiling: NDArray[np.float64],
    negative: NDArray[np.bool_],
    below: NDArray[np.int64],
    count: NDArray[np.int64],
    tables: Tables,
) -> Intervals:
    largest = np.nextafter(ceiling, 0.0)
    lower = np.where(negative, -largest, floor)
    upper = np.where(negative, -np.maximum(floor, _LEAST), largest)
    found = Intervals(lower, upper, below, count)
    return found.within(np.array(tables.low), np.array(tables.high))
