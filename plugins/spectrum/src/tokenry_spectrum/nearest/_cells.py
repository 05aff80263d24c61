"""Cells that know which centroids can be nearest in them."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenry_spectrum._axes import axes_of
from tokenry_spectrum._threads import spread
from tokenry_spectrum.nearest._cell_kernels import build

Vector = NDArray[np.float64]

# Cells per axis, as boxes x their parts x the parts of these ...: a finer grid asks fewer points to
# choose between candidates and costs more to build.
_SPLITS = {
    1: ((16, 16, 64),),
    2: ((4, 4, 4, 4), (4, 8, 4, 4), (4, 4, 4, 4, 4)),
    3: ((4, 3, 2, 2), (4, 3, 2, 4), (4, 4, 3, 3)),
}
# From so many points on the next finer grid pays for itself.
_POINTS = {1: (), 2: (600_000, 3_000_000), 3: (3_000_000, 12_000_000)}
_OUTER = {1: (16, 16, 16), 2: (4, 4, 4, 4), 3: (4, 4, 2, 2)}
_BULK = (0.001, 0.999)


class Cells(NamedTuple):
    """A uniform grid over a box: `table` holds a packed pair or the place of a list in `lists`."""

    low: Vector
    inverse: Vector
    size: int
    table: NDArray[Any]
    lists: NDArray[Any]


class Grid(NamedTuple):
    """Fine cells over the bulk of the points, coarse ones over their whole range."""

    inner: Cells
    outer: Cells
    bits: int


def fineness(dims: int, points: int) -> int:
    """Give the number of the grid that answers `points` points soonest, building included."""
    return bisect.bisect_right(_POINTS[dims], points)


def build_grid(centroids: Vector, sample: Vector, points: int) -> Grid:
    """Give the grid that pays for `points` points distributed like `sample` (dims x some).

    Where the sample lies decides only how fast a point is answered, never the answer.
    """
    d = centroids.shape[1]
    seen = np.concatenate([sample, centroids.T], axis=1) if sample.size == 0 else sample
    low, high = np.quantile(seen, _BULK, axis=1)
    least = np.minimum(seen.min(axis=1), centroids.min(axis=0))
    most = np.maximum(seen.max(axis=1), centroids.max(axis=0))
    # Codes up to 32768 leave room for two in an int32 and its sign.
    bits = 15 if len(centroids) <= 1 << 15 else 31
    inner = _build(centroids, low, high, _SPLITS[d][fineness(d, points)], bits, sample)
    beyond = ((sample < low[:, None]) | (sample > high[:, None])).any(axis=0)
    outer = _build(centroids, least, most, _OUTER[d], bits, sample[:, beyond])
    return Grid(inner, outer, bits)


def _build(
    centroids: Vector,
    low: Vector,
    high: Vector,
    splits: Sequence[int],
    bits: int,
    sample: Vector,
) -> Cells:
    k, d = centroids.shape
    size = int(np.prod(splits))
    # A cell has to be wide against the rounding of its own edges, also where all points agree.
    least = 1e-7 * np.maximum(1e-30, np.maximum(np.abs(low), np.abs(high))) * size
    span = np.maximum((high - low) * 1.0001, least)
    low = (low + high - span) / 2
    width = span / size
    table = np.empty(size**d, np.int32 if bits == 15 else np.int64)
    boxes = splits[0] ** d
    room = k + 1 + (4 + 64 * k // size**d) * (size // splits[0]) ** d
    lists = np.empty(boxes * room, np.uint16 if k < 1 << 16 else np.uint32)
    busy = tuple(
        _occupied(sample, low, span, int(np.prod(splits[:level])))
        for level in range(1, len(splits))
    )

    def part(first: int, last: int) -> None:
        build(
            axes_of(d), centroids, low, width, tuple(splits), busy,
            first, last, bits, room, table, lists,
        )  # fmt: skip

    spread(part, boxes, min(boxes, 32))
    return Cells(low, 1.0 / width, size, table, lists)


def _occupied(sample: Vector, low: Vector, span: Vector, size: int) -> NDArray[np.bool_]:
    """Mark the boxes, `size` per axis, in which the sample has points: these are worth cells."""
    busy = np.zeros(size ** len(sample), np.bool_)
    place = np.floor((sample - low[:, None]) * (size / span)[:, None])
    place = place[:, ((place >= 0) & (place < size)).all(axis=0)].astype(np.int64)
    busy[np.ravel_multi_index(tuple(place), (size,) * len(sample))] = True
    return busy
