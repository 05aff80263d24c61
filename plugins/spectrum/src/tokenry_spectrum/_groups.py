"""What training found for one group, and the tokens that follow from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tokenry_core import Array, Field, FieldSpec
from tokenry_spectrum._lists import Points
from tokenry_spectrum.kinds import Kind
from tokenry_spectrum.nearest import NearestCentroid

State = Mapping[str, NDArray[Any]]
_POINTS_AT_A_TIME = 1 << 20


@dataclass(frozen=True)
class TrainedGroup:
    """A group with its codebook: float32 centroids of features in units of their deviation."""

    kind: Kind[Any]
    codes: int
    codebook: NDArray[np.float32]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    length: int | None
    assets: Mapping[str, NDArray[Any]]
    threads: int | None = None

    @classmethod
    def restore(
        cls, kind: Kind[Any], codes: int, state: State, threads: int | None
    ) -> TrainedGroup:
        """Give the group that `state` made."""
        own = f"{kind.group.name}."
        mine = {key.removeprefix(own): array for key, array in state.items() if key.startswith(own)}
        length = int(mine["length"]) or None
        assets = {
            key.removeprefix("asset."): array
            for key, array in mine.items()
            if key.startswith("asset.")
        }
        return cls(
            kind, codes, mine["codebook"], mine["mean"], mine["std"], length, assets, threads
        )

    def state(self) -> dict[str, NDArray[Any]]:
        """Give the arrays of an artifact, under names that begin with the group's."""
        arrays: dict[str, NDArray[Any]] = {
            "codebook": self.codebook,
            "mean": self.mean,
            "std": self.std,
            "length": np.array(self.length or 0, np.int64),
            **self.kind.marks(),
            **{f"asset.{key}": array for key, array in self.assets.items()},
        }
        return {f"{self.kind.group.name}.{key}": array for key, array in arrays.items()}

    @property
    def spec(self) -> FieldSpec:
        """What the field of this group holds."""
        return group_spec(self.kind, self.codes, self.length)

    @cached_property
    def nearest(self) -> NearestCentroid:
        """The assignment, with what it has built so far."""
        return NearestCentroid(self.codebook, self.codes, self.threads)

    @cached_property
    def centroids(self) -> NDArray[np.float64]:
        """The features of the codes, codes x dims, in the group's own units."""
        return np.asarray(self.codebook.astype(np.float64) * self.std + self.mean)

    def read(self, batch: pa.RecordBatch) -> Points:
        """Give the points of a batch; rows of another length than the group's are bad, too."""
        points = self.kind.read(batch, self.assets)
        if self.length is None:
            return points
        odd = np.flatnonzero((points.lengths != self.length) & (points.lengths > 0))
        name = self.kind.group.name
        bad = {
            int(row): f"{name} has {points.lengths[row]} points; all had {self.length} in training"
            for row in odd
        }
        return replace(points, bad=bad | dict(points.bad))

    def tokens(self, points: Points) -> Field:
        """Give the tokens of all points, rectangular or ragged."""
        indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(points.lengths)])
        flat = np.empty(int(indptr[-1]), self.nearest.dtype)
        for first, last in runs(indptr, _POINTS_AT_A_TIME):
            features = points.features(first, last)
            flat[first:last] = self.nearest.of_features(features, self.mean, 1 / self.std)
        if self.length is None:
            return Field(flat, indptr)
        there = points.lengths > 0
        if there.all():
            return Field(flat.reshape(-1, self.length))
        whole = np.full((len(there), self.length), self.codes, flat.dtype)
        whole[there] = flat.reshape(-1, self.length)
        return Field(whole)

    def columns_of(self, field: Field) -> dict[str, pa.Array]:
        """Give the columns that tokens stand for, as lists; missing points are null."""
        flat = np.ascontiguousarray(field.values).reshape(-1)
        lengths = _lengths(field)
        missing = flat >= len(self.centroids)
        codes = np.where(missing, 0, flat)
        named = {
            name: np.asarray(values)[codes]
            for name, values in self.kind.values(self.centroids.T, self.assets).items()
        }
        out = {name: _listed(field, pa.array(v, mask=missing)) for name, v in named.items()}
        order = self.kind.order(lengths)
        return out | {name: _listed(field, pa.array(values)) for name, values in order.items()}


def group_spec(kind: Kind[Any], codes: int, length: int | None) -> FieldSpec:
    """Describe the tokens of a group."""
    event = () if length is None else (length,)
    name = f"tokens_{kind.group.name}"
    return FieldSpec.tokens(name, codes=codes, event=event, ragged=length is None)


def runs(indptr: NDArray[np.int64], points: int) -> Iterator[tuple[int, int]]:
    """Cut the points into runs of whole rows, of about so many points each."""
    rows, total = 0, int(indptr[-1])
    first = 0
    while first < total:
        rows = int(np.searchsorted(indptr, first + points, side="right")) - 1
        last = int(indptr[rows])
        if last <= first:  # one row holds more than that
            last = int(indptr[np.searchsorted(indptr, first, side="right")])
        yield first, last
        first = last


def _lengths(field: Field) -> NDArray[np.int64]:
    if field.indptr is not None:
        return np.diff(field.indptr)
    return np.full(len(field.values), field.values.shape[1], np.int64)


def _listed(field: Field, values: pa.Array) -> pa.Array:
    if field.indptr is None:
        return pa.FixedSizeListArray.from_arrays(values, field.values.shape[1])
    absent = pa.array(_lengths(field) == 0)
    return pa.LargeListArray.from_arrays(pa.array(field.indptr), values, mask=absent)


def missing_points(spec: FieldSpec, field: Field) -> int:
    """Count the tokens that say missing."""
    values: Array = field.values
    return int(np.count_nonzero(values == spec.codes))
