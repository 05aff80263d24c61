"""The first pass over a column: each distinct value's count while they are few, tables when not.

Which of the two it is in the end depends on the set of values alone: values are counted one by one
until there are more than a few thousand different ones, and what was counted then goes into the
tables, just as if it had gone there at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tokenry_scalar._floats import Floats
from tokenry_scalar.counting._sums import mean_of_counted
from tokenry_scalar.counting._tables import Tables
from tokenry_scalar.few import Few


class Counts:
    """One column's values, counted."""

    def __init__(self) -> None:
        self.few: Few | None = Few()
        self.tables: Tables | None = None
        self.float32 = True

    def add(self, values: Floats, rows: Any = None) -> None:
        """Count some values; NaN and infinities are passed over."""
        self.float32 &= values.dtype == np.float32
        if self.few is not None:
            taken = self.few.add(values)
            if taken == len(values):
                return
            values = values[taken:]
        self._spread().add(values)

    def merge(self, other: Counts) -> Counts:
        """Add what another worker counted."""
        self.float32 &= other.float32
        if self.few is not None and other.few is not None and self.few.merge(other.few):
            return self
        self._spread().merge(other._spread())
        return self

    @property
    def n(self) -> int:
        """How many values there are."""
        counted = self.few or self.tables
        assert counted is not None
        return counted.n

    @property
    def mean(self) -> float:
        """The mean of all values, rounded once."""
        if self.few is not None:
            return mean_of_counted(*self.few.ascending())
        assert self.tables is not None
        return self.tables.mean

    def _spread(self) -> Tables:
        """Go over to tables."""
        if self.few is not None:
            self.tables = Tables()
            self.tables.add_counted(*self.few.ascending())
            self.few = None
        assert self.tables is not None
        return self.tables
