"""The first pass: every value of a column is counted in two tables and added up.

The table by bits has 4,096 cells to a factor of two, whatever the magnitude (20 bits of the float32
image and its sign). The table by value has cells of 2**width, as narrow as the largest magnitude
seen so far allows; when a larger one comes, neighbouring cells are merged, which gives just the
counts that wide cells would have collected. Heavy tails suit the first, values in a bounded range
the second.

All of it is integers, so that states merge in any order to the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenry_scalar._floats import Floats, floats_of_keys
from tokenry_scalar.training import _kernels
from tokenry_scalar.training._sums import mean_of, new_sum

_MOST = np.iinfo(np.uint32).max
_EMPTY = (0, np.iinfo(np.int64).max, -np.iinfo(np.int64).max)


def _zeros(cells: int) -> NDArray[np.unsignedinteger]:
    return np.zeros(cells + 1, np.uint32)  # the last cell: not finite


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
    float32: bool = True

    def add(self, values: Floats, rows: Any = None) -> None:
        """Count some values; NaN and infinities are passed over."""
        wide = values.dtype == np.float64
        self.float32 &= not wide
        needed = _kernels.width_needed64(values) if wide else _kernels.width_needed32(values)
        self._widen(int(needed) - 19)
        self._make_room(len(values))
        seen = np.array(_EMPTY, np.int64)
        count = _kernels.count64 if wide else _kernels.count32
        count(values, self.width, self.bits, self.line, self.total, seen)
        if seen[0]:
            self.n += int(seen[0])
            low, high = floats_of_keys(seen[1:], values.dtype)
            self.low, self.high = min(self.low, low), max(self.high, high)

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
        self.float32 &= other.float32
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
            table = np.zeros(size + 1, counts.dtype)
            table[cells] = counts
            setattr(self, name, table)

    @property
    def mean(self) -> float:
        """The mean of all values, rounded once."""
        return mean_of(self.total, self.n)

    def _widen(self, width: int) -> None:
        if width > self.width:
            if self.n:
                _kernels.coarsen(self.line, min(width - self.width, 40))
            self.width = width

    def _make_room(self, rows: int) -> None:
        self.rows += rows
        if self.rows > _MOST and self.bits.dtype == np.uint32:
            self.bits, self.line = self.bits.astype(np.uint64), self.line.astype(np.uint64)
