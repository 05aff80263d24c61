"""Lloyd's iterations on the exact assignment."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenry_spectrum._axes import axes_of
from tokenry_spectrum._threads import spread
from tokenry_spectrum.codebook import _kernels
from tokenry_spectrum.nearest import NearestCentroid

Points = NDArray[np.float32]
Centroids = NDArray[np.float64]

# Sums are taken over this many parts of the points, in order, on any number of threads.
_PARTS = 8


class Step(NamedTuple):
    """One iteration: the inertia of the centroids that went in, and where they move."""

    inertia: float
    centroids: Centroids
    empty: int


def step(points: Points, centroids: Centroids) -> Step:
    """Assign every point (dims x n) and move each centroid to the mean of its points.

    A centroid without points moves to the point that is farthest from its own centroid.
    """
    nearest = NearestCentroid(centroids)
    k, d = centroids.shape
    sums = np.zeros((_PARTS, k, d))
    counts = np.zeros((_PARTS, k), np.int64)
    label = nearest.over(points)
    axes = axes_of(d)

    def part(number: int, _: int) -> float:
        first, last = (points.shape[1] * (number + i) // _PARTS for i in (0, 1))
        block = 1 << 14
        labels = np.empty(min(block, last - first), nearest.dtype)
        inertia = 0.0
        for start in range(first, last, block):
            stop = min(start + block, last)
            label(start, stop, labels)
            inertia += _kernels.add_up(
                axes, points, start, stop, labels, centroids, sums[number], counts[number]
            )
        return inertia

    inertia = sum(spread(part, _PARTS, _PARTS))
    count = counts.sum(axis=0)
    moved = centroids.copy()
    filled = count > 0
    moved[filled] = sums.sum(axis=0)[filled] / count[filled, None]
    empty = int(k - filled.sum())
    if empty:
        moved = _reseed(points, moved, ~filled)
    return Step(inertia, moved, empty)


def _reseed(points: Points, centroids: Centroids, empty: NDArray[np.bool_]) -> Centroids:
    """Move the empty centroids to the points farthest from theirs; drop those beyond need."""
    kept = centroids[~empty]
    labels = NearestCentroid(kept).of_features(points)
    distance = ((points.T - kept[labels]) ** 2).sum(axis=1)
    wanted = int(empty.sum())
    # The farthest few, each place once: the earliest of equal points.
    order = np.argsort(-distance, kind="stable")
    order = order[distance[order] > 0][: 4 * wanted]
    places = np.unique(points[:, order].T, axis=0, return_index=True)[1]
    chosen = order[np.sort(places)[:wanted]]
    out = centroids.copy()
    slots = np.flatnonzero(empty)
    out[slots[: len(chosen)]] = points[:, chosen].T
    return np.delete(out, slots[len(chosen) :], axis=0)
