"""Counts of a column's values in two tables, and their sum.

The table by bits has 4,096 cells to a factor of two, whatever the magnitude (20 bits of the float32
image and its sign). The table by value has cells of 2**width, as narrow as the largest magnitude
seen so far allows; when a larger one comes, neighbouring cells are merged, which gives just the
counts that wide cells would have collected. Heavy tails suit the first, values in a bounded range
the second.

All of it is integers, so that states merge in any order to the same bytes.
"""

from __future__ import annotations

import math
import mmap
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenry_scalar._floats import Floats, floats_of_keys
from tokenry_scalar.counting import _kernels
from tokenry_scalar.counting._sums import mean_of, new_sum

_MOST = np.iinfo(np.uint32).max
_EMPTY = (0, np.iinfo(np.int64).max, -np.iinfo(np.int64).max)


def _zeros(cells: int, dtype: Any = np.uint32) -> NDArray[np.unsignedinteger]:
    """Give an empty table; one more cell is for what is not finite.

    Most cells are never touched. Small pages keep those out of memory, where NumPy would ask for
    large ones.
    """
    dtype = np.dtype(dtype)
    memory = mmap.mmap(-1, (cells + 1) * dtype.itemsize)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        with suppress(OSError):  # a kernel without large pages
            memory.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(memory, dtype)


@dataclass
class Tables:
    """Counts, exact sum, extremes and number of one column's values."""

    bits: NDArray[np.unsignedinteger] = field(default_factory=lambda: _zeros(_kernels.BITS))
    line: NDArray[np.unsignedinteger] = field(default_factory=lambda: _zeros(_kernels.LINE))
    width: int = _kernels.FINEST
    total: NDArray[np.int64] = field(default_factory=new_sum)
    n: int = 0
    rows: int = 0
    low: float = np.inf
    high: float = -np.inf

    def add(self, values: Floats) -> None:
        """Count some values; NaN and infinities are passed over."""
        wide = values.dtype == np.float64
        self._make_room(len(values))
        seen = np.array(_EMPTY, np.int64)
        count = _kernels.count64 if wide else _kernels.count32
        self.width = count(values, self.width, self.bits, self.line, self.total, seen)
        if seen[0]:
            self.n += int(seen[0])
            low, high = floats_of_keys(seen[1:], values.dtype)
            self.low, self.high = min(self.low, low), max(self.high, high)

    def add_counted(self, values: NDArray[np.float64], counts: NDArray[np.int64]) -> None:
        """Count ascending values that came several times each."""
        if len(values) == 0:
            return
        self._make_room(int(counts.sum()))
        self._widen(math.frexp(float(np.abs(values).max()))[1] - _kernels.MAGNITUDES)
        _kernels.pour_values(values, counts, self.width, self.bits, self.line)
        _kernels.add_up_counted(values, counts, self.total)
        self.n += int(counts.sum())
        self.low, self.high = min(self.low, float(values[0])), max(self.high, float(values[-1]))

    def merge(self, other: Tables) -> Tables:
        """Add another state's counts to these."""
        self._widen(other.width)
        other._widen(self.width)
        self._make_room(other.rows)
        for mine, theirs in ((self.bits, other.bits), (self.line, other.line)):
            _kernels.pour(theirs, mine)
        self.total += other.total
        self.n += other.n
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        return self

    def __getstate__(self) -> dict[str, Any]:
        """Give what another process needs: most cells are empty, and those are not sent."""
        tables = {}
        for name, table in (("bits", self.bits), ("line", self.line)):
            cells = np.flatnonzero(table)
            tables[name] = cells.astype(np.uint32), table[cells]
        return self.__dict__ | tables

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for name, size in (("bits", _kernels.BITS), ("line", _kernels.LINE)):
            cells, counts = state[name]
            table = _zeros(size, counts.dtype)
            table[cells] = counts
            setattr(self, name, table)

    @property
    def mean(self) -> float:
        """The mean of all values, rounded once."""
        return mean_of(self.total, self.n)

    @property
    def span_by_bits(self) -> tuple[int, int]:
        """The first and last cell by bits that can hold a value."""
        cells = [_bits_cell(abs(x)) for x in (self.low, self.high)]
        return _at(self.low, cells[0], _kernels.BITS), _at(self.high, cells[1], _kernels.BITS)

    @property
    def span_by_value(self) -> tuple[int, int]:
        """The first and last cell by value that can hold a value."""
        cells = [int(math.ldexp(abs(x), -self.width)) for x in (self.low, self.high)]
        return _at(self.low, cells[0], _kernels.LINE), _at(self.high, cells[1], _kernels.LINE)

    def _widen(self, width: int) -> None:
        if width > self.width:
            if self.n:
                _kernels.coarsen(self.line, width - self.width)
            self.width = width

    def _make_room(self, rows: int) -> None:
        self.rows += rows
        if self.rows > _MOST and self.bits.dtype == np.uint32:
            self.bits, self.line = self.bits.astype(np.uint64), self.line.astype(np.uint64)


def _at(value: float, t: int, cells: int) -> int:
    return cells // 2 - 1 - t if math.copysign(1.0, value) < 0 else cells // 2 + t


def _bits_cell(size: float) -> int:
    """Give the cell by bits of a magnitude, as the kernels do."""
    if size < 2.0**-126:
        return int(size * 2.0**138)
    mantissa, exponent = math.frexp(size)
    return min((exponent + 126) * 4096 + int((2 * mantissa - 1) * 4096), _kernels.HUGE)
