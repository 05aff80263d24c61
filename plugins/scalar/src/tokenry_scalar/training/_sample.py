"""A sample of bounded size: the values whose rows have the smallest hash.

Of each file the `per_file` smallest are candidates, and of all candidates the `size` smallest are
the sample. Whether a value is in it depends on the set of rows alone, not on their order. The
largest hash of the sample only falls as more is seen, so that whatever lies above it can be
forgotten.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenry_scalar._floats import Floats
from tokenry_scalar.counting import _kernels
from tokenry_scalar.counting._sums import mean_of, new_sum
from tokenry_scalar.search._quantiles import QuantileRanks

_CONFIDENCE = 0.99
_ALL = np.uint64(np.iinfo(np.uint64).max)


@dataclass(frozen=True)
class Rows:
    """Which rows a batch holds: their hashes, and the file that they come from."""

    hashes: NDArray[np.uint64]
    file: str


@dataclass(frozen=True)
class Entries:
    """Values and the hashes of their rows."""

    hashes: NDArray[np.uint64]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.hashes)

    def __add__(self, other: Entries) -> Entries:
        return Entries.join([self, other])

    @classmethod
    def join(cls, parts: list[Entries]) -> Entries:
        """Give the entries of all parts."""
        hashes = [part.hashes for part in parts] or [np.zeros(0, np.uint64)]
        values = [part.values for part in parts] or [np.zeros(0)]
        return cls(np.concatenate(hashes), np.concatenate(values))

    def select(self, keep: Any) -> Entries:
        """Give some of the entries."""
        return Entries(self.hashes[keep], self.values[keep])

    def smallest(self, k: int) -> Entries:
        """Give the k entries of smallest hash; of one hash, those of smallest value."""
        if len(self) <= k:
            return self
        last = np.partition(self.hashes, k - 1)[k - 1]
        below, tied = self.select(self.hashes < last), self.select(self.hashes == last)
        return below + tied.select(np.argsort(tied.values, kind="stable")[: k - len(below)])


class Sample:
    """The sampled values of one column, by file, and the exact sum of all values."""

    def __init__(self, size: int, per_file: int) -> None:
        self.size, self.per_file = size, per_file
        self.files: dict[str, Entries] = {}
        self.limit = _ALL
        self.total = new_sum()
        self.n = 0
        self.float32 = True

    def add(self, values: Floats, rows: Any = None) -> None:
        """Take note of some values; NaN and infinities are passed over."""
        self.float32 &= values.dtype == np.float32
        self.n += int(_kernels.add_up(values, self.total))
        keep = np.isfinite(values) & (rows.hashes <= self.limit)
        # Adding zero makes minus zero zero.
        self._join(rows.file, Entries(rows.hashes[keep], values[keep].astype(np.float64) + 0.0))
        self._forget(slack=self.size // 2)

    def merge(self, other: Sample) -> Sample:
        """Join another worker's sample."""
        for file, entries in other.files.items():
            self._join(file, entries)
        self._forget(slack=self.size // 2)
        self.total += other.total
        self.n += other.n
        self.float32 &= other.float32
        return self

    @property
    def mean(self) -> float:
        """The mean of all values, sampled or not."""
        return mean_of(self.total, self.n)

    @property
    def values(self) -> NDArray[np.float64]:
        """The sample, in ascending order."""
        return np.sort(Entries.join(list(self.files.values())).smallest(self.size).values)

    def quantiles(self, n_bins: int) -> NDArray[np.float64]:
        """Give the quantiles of the sample."""
        values = self.values
        ranks = QuantileRanks.of(len(values), n_bins)
        return ranks.quantiles(np.arange(len(values)), values)

    def rank_error(self, n_bins: int) -> float:
        """Bound the error in bins, with 99 % confidence (Dvoretzky, Kiefer, Wolfowitz, Massart)."""
        k = len(self.values)
        return 0.0 if k == self.n else n_bins * math.sqrt(math.log(2 / (1 - _CONFIDENCE)) / 2 / k)

    def _join(self, file: str, entries: Entries) -> None:
        known = self.files.get(file)
        self.files[file] = (entries if known is None else known + entries).smallest(self.per_file)

    def _forget(self, slack: int) -> None:
        """Drop what can no longer be in the sample, once there is `slack` too much."""
        if sum(map(len, self.files.values())) <= self.size + slack:
            return
        everything = Entries.join(list(self.files.values()))
        self.limit = everything.smallest(self.size).hashes.max()
        self.files = {
            file: entries.select(entries.hashes <= self.limit)
            for file, entries in self.files.items()
        }
