"""A sample of points that is the same in whatever order the rows come.

A point is chosen for the hash of (seed, row, number of the point). The smallest hashes of two
parts give the smallest hashes of both, so samples merge exactly. The caps are exact too: at most
so many rows of a file (those of the smallest hashes), so many points of a row, so many in all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tokenry_spectrum import _kernels

Hashes = NDArray[np.uint64]
_MOST = np.uint64(2**64 - 1)


@dataclass
class FileRows:
    """The smallest row hashes of each file, up to a number of rows."""

    most: int
    hashes: dict[str, Hashes] = field(default_factory=dict)
    full: set[str] = field(default_factory=set)

    def add(self, file: str, rows: Hashes) -> None:
        """Take the hashes of more rows of a file."""
        known = self.hashes.get(file, np.empty(0, np.uint64))
        distinct = np.unique(np.concatenate([known, rows]))
        if len(distinct) > self.most:
            self.full.add(file)
        self.hashes[file] = distinct[: self.most].copy()

    def merge(self, other: FileRows) -> None:
        """Take the rows of another part."""
        self.full |= other.full
        for file, rows in other.hashes.items():
            self.add(file, rows)

    def limits(self) -> dict[str, int]:
        """Give the largest row hash of each file that has more rows than count."""
        return {file: int(self.hashes[file][-1]) for file in self.full}


@dataclass
class PointSample:
    """The points with the smallest hashes, at most `most` of them; `limit` bounds what was kept."""

    most: int
    hashes: Hashes
    rows: Hashes
    files: NDArray[np.int32]
    features: NDArray[np.float32]
    names: list[str] = field(default_factory=list)
    limit: int = int(_MOST)
    lengths: tuple[int, int] | None = None

    @classmethod
    def empty(cls, most: int, dims: int) -> Self:
        """A sample of nothing yet."""
        none = np.empty(0, np.uint64)
        return cls(most, none, none, np.empty(0, np.int32), np.empty((dims, 0), np.float32))

    def saw(self, shortest: int, longest: int) -> None:
        """Remember lengths of rows."""
        known = self.lengths or (shortest, longest)
        self.lengths = min(known[0], shortest), max(known[1], longest)

    def add(
        self,
        file: str,
        features: NDArray[np.float32],
        lengths: NDArray[np.int64],
        rows: Hashes,
        per_row: int,
    ) -> None:
        """Take the points of more rows: `features` holds them in sequence, `rows` are hashes."""
        total = features.shape[1]
        hashes = np.empty(total, np.uint64)
        places, owners = np.empty(total, np.int64), np.empty(total, np.int64)
        found = _kernels.choose_points(
            features, lengths, rows, per_row, np.uint64(self.limit), hashes, places, owners
        )
        if file not in self.names:
            self.names.append(file)
        number = np.full(found, self.names.index(file), np.int32)
        chosen = np.ascontiguousarray(features[:, places[:found]])
        self._append(hashes[:found], rows[owners[:found]], number, chosen)

    def merge(self, other: PointSample) -> None:
        """Take the sample of another part."""
        self.names += [name for name in other.names if name not in self.names]
        renumbered = np.array([self.names.index(name) for name in other.names], np.int32)
        numbers = renumbered[other.files] if len(other.files) else other.files
        self.limit = min(self.limit, other.limit)
        self._append(other.hashes, other.rows, numbers, other.features)
        if other.lengths is not None:
            self.saw(*other.lengths)

    def keep_rows(self, limits: Mapping[str, int]) -> bool:
        """Drop points of rows beyond their file's limit; say whether the sample is still exact.

        It is not where points were let go in favour of some that now turn out not to count.
        """
        limit = np.array([limits.get(name, int(_MOST)) for name in self.names], np.uint64)
        keep = self.rows <= limit[self.files] if len(self.files) else np.ones(0, np.bool_)
        if keep.all():
            return True
        self._take(keep)
        return self.limit == int(_MOST)

    def in_order(self) -> NDArray[np.float32]:
        """Give the features of the sample, ordered by hash and value."""
        self._shrink()
        order = np.argsort(self.hashes, kind="stable")
        ordered = self.hashes[order]
        if (ordered[1:] == ordered[:-1]).any():
            order = np.lexsort((*self.features[::-1], self.hashes))
        return np.ascontiguousarray(self.features[:, order])

    def _append(
        self,
        hashes: Hashes,
        rows: Hashes,
        files: NDArray[np.int32],
        features: NDArray[np.float32],
    ) -> None:
        self.hashes = np.concatenate([self.hashes, hashes])
        self.rows = np.concatenate([self.rows, rows])
        self.files = np.concatenate([self.files, files])
        self.features = np.concatenate([self.features, features], axis=1)
        if len(self.hashes) > 2 * self.most:
            self._shrink()

    def _shrink(self) -> None:
        """Let go all but the `most` smallest, by hash, then by value."""
        excess = len(self.hashes) - self.most
        if excess > 0:
            last = np.partition(self.hashes, self.most - 1)[self.most - 1]
            keep = self.hashes < last
            tied = np.flatnonzero(self.hashes == last)
            by_value = tied[np.lexsort(self.features[::-1, tied])]
            keep[by_value[: self.most - int(keep.sum())]] = True
            self.limit = min(self.limit, int(last))
            self._take(keep)

    def _take(self, keep: NDArray[Any]) -> None:
        self.hashes, self.rows = self.hashes[keep], self.rows[keep]
        self.files, self.features = self.files[keep], self.features[:, keep]
