"""Finding the values of given ranks exactly, in a few passes of bounded memory.

The tables of the first pass say in which cells the ranks lie. Each further pass either collects the
values in those cells, where they are few, or counts them in 4,096 parts of each cell. A float32
column is known after one such pass: a part of a cell by bits holds one float32.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tokenry_scalar._floats import Floats, floats_of_keys, keys_of_floats
from tokenry_scalar.counting import Counts, Tables
from tokenry_scalar.search import _kernels
from tokenry_scalar.search._intervals import NOWHERE, Intervals, cells_by_bits, cells_by_value
from tokenry_scalar.search._sieve import Locator, Sieve

PARTS = 4096
_KEY = np.iinfo(np.int64)


class Partial(Protocol):
    """What one worker knows of one column after its share of a pass."""

    def add(self, values: Floats, rows: Any = None) -> None:
        """Take note of some values."""
        ...

    def merge(self, other: Any) -> Any:
        """Join what another worker knows."""
        ...


class RankSearch:
    """The values of some ranks of a column: which are known, and where the others lie."""

    def __init__(self, counts: Counts, ranks: NDArray[np.int64]) -> None:
        self.ranks = np.unique(ranks)
        self.float32 = counts.float32
        self.values = np.full(len(self.ranks), np.nan)
        if counts.few is not None:
            values, times = counts.few.ascending()
            self.values = values[np.searchsorted(np.cumsum(times), self.ranks, side="right")]
            self.intervals = NOWHERE
        elif counts.tables is not None:
            self.values[self.ranks == 0] = counts.tables.low
            self.values[self.ranks == counts.n - 1] = counts.tables.high
            wanted = self.ranks[np.isnan(self.values)]
            self.intervals = _narrower(counts.tables, wanted, self.float32)
            self._settle()

    @property
    def done(self) -> bool:
        """Whether every rank's value is known."""
        return len(self.intervals) == 0

    @property
    def collects(self) -> bool:
        """Whether the next pass collects values, or counts them in parts."""
        return _collecting(self.intervals, self.float32) <= _counting(self.intervals)

    @property
    def memory(self) -> int:
        """Bytes that one worker's share of the next pass takes at most."""
        return min(_collecting(self.intervals, self.float32), _counting(self.intervals))

    def start(self) -> Inside | Parts:
        """Give the empty state of the next pass."""
        return Inside(self.intervals) if self.collects else Parts(self.intervals)

    def narrow(self, seen: Inside | Parts) -> None:
        """Learn from a pass."""
        unknown = np.isnan(self.values)
        ranks = self.ranks[unknown]
        at = np.searchsorted(self.intervals.below, ranks, side="right") - 1
        if isinstance(seen, Inside):
            self.values[unknown] = seen.values_of(ranks, at)
            self.intervals = NOWHERE
        else:
            found = seen.parts_of(ranks, at)
            self.intervals = found.of_float32() if self.float32 else found
            self._settle()

    def _settle(self) -> None:
        """Take the value of each interval that has been narrowed to one."""
        single = self.intervals.lower == self.intervals.upper
        unknown = np.flatnonzero(np.isnan(self.values))
        at = np.searchsorted(self.intervals.below, self.ranks[unknown], side="right") - 1
        settled = single[at]
        self.values[unknown[settled]] = self.intervals.lower[at[settled]]
        self.intervals = self.intervals.select(~single)


class Inside:
    """The values of one column that lie inside intervals, collected."""

    def __init__(self, intervals: Intervals) -> None:
        self.intervals = intervals
        self.chunks: list[Floats] = []
        self._sieve = Sieve(intervals)

    def add(self, values: Floats, rows: Any = None) -> None:
        """Keep what lies inside."""
        kept = self._sieve(values)
        if len(kept):
            self.chunks.append(kept)

    def merge(self, other: Inside) -> Inside:
        """Join another worker's values."""
        self.chunks += other.chunks
        return self

    def values_of(self, ranks: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[np.float64]:
        """Give the values of ranks that lie in the intervals numbered `at`."""
        values = np.concatenate(self.chunks)
        values.sort()
        values = values.astype(np.float64) + 0.0  # minus zero becomes zero
        first = np.searchsorted(values, self.intervals.lower)
        found: NDArray[np.float64] = values[first[at] + ranks - self.intervals.below[at]]
        return found


class Parts:
    """How many values of one column lie in each of 4,096 parts of each interval."""

    def __init__(self, intervals: Intervals) -> None:
        self.intervals = intervals
        self.base = keys_of_floats(intervals.lower)
        span = keys_of_floats(intervals.upper) - self.base
        bits = np.array([int(s).bit_length() for s in span], np.int64)
        self.shift = np.maximum(bits - 12, 0)
        self.counters = np.zeros((len(intervals), PARTS), _counter(intervals))
        self.extent = np.tile(np.array([_KEY.max, _KEY.min]), (len(intervals), 1))
        self._locate = Locator(intervals)

    def add(self, values: Floats, rows: Any = None) -> None:
        """Count what lies inside."""
        tokens = self._locate(values)
        _kernels.subdivide(values, tokens, self.base, self.shift, self.counters, self.extent)

    def merge(self, other: Parts) -> Parts:
        """Add another worker's counts."""
        self.counters += other.counters
        np.minimum(self.extent[:, 0], other.extent[:, 0], out=self.extent[:, 0])
        np.maximum(self.extent[:, 1], other.extent[:, 1], out=self.extent[:, 1])
        return self

    def parts_of(self, ranks: NDArray[np.int64], at: NDArray[np.int64]) -> Intervals:
        """Give the parts that hold ranks which lie in the intervals numbered `at`."""
        rows = []
        for i in np.unique(at).tolist():
            inner = ranks[at == i] - self.intervals.below[i]
            part, below, count = np.zeros((3, len(inner)), np.int64)
            _kernels.cells_of_ranks(self.counters[i], inner, part, below, count)
            part, first = np.unique(part, return_index=True)
            lower = self.base[i] + (part << self.shift[i])
            upper = lower + ((np.int64(1) << self.shift[i]) - 1)
            lower, upper = (
                np.maximum(lower, self.extent[i, 0]),
                np.minimum(upper, self.extent[i, 1]),
            )
            rows.append((lower, upper, below[first] + self.intervals.below[i], count[first]))
        lower, upper, below, count = (np.concatenate(column) for column in zip(*rows, strict=True))
        return Intervals(floats_of_keys(lower), floats_of_keys(upper), below, count)


def _narrower(tables: Tables, ranks: NDArray[np.int64], float32: bool) -> Intervals:
    """Give the cells of the table that leaves fewer values in doubt."""
    bits, line = cells_by_bits(tables, ranks), cells_by_value(tables, ranks)
    if float32:
        bits, line = bits.of_float32(), line.of_float32()
    narrower = bits if bits.count.sum() <= line.count.sum() else line
    if float32 and _collecting(narrower, True) > _counting(narrower):
        return bits  # whose parts hold one float32 each
    return narrower


def _collecting(intervals: Intervals, float32: bool) -> int:
    return int(intervals.count.sum()) * (4 if float32 else 8)


def _counting(intervals: Intervals) -> int:
    return len(intervals) * PARTS * np.dtype(_counter(intervals)).itemsize


def _counter(intervals: Intervals) -> type[np.unsignedinteger[Any]]:
    most = int(intervals.count.max(initial=0))
    for kind in (np.uint16, np.uint32):
        if most <= np.iinfo(kind).max:
            return kind
    return np.uint64
