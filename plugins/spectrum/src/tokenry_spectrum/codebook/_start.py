"""Where Lloyd's iterations begin."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tokenry_spectrum._axes import axes_of
from tokenry_spectrum.codebook import _kernels

Start = Literal["k-means++", "minibatch"]
Points = NDArray[np.float32]
_SAMPLE = 20_000
# Of this many draws k-means++ keeps the best: a second one costs as much again as the first and
# lowers the final inertia by a percent; more bring little.
_DRAWS = 2


def start_centroids(
    points: Points, size: int, seed: int, start: Start = "k-means++"
) -> NDArray[np.float64]:
    """Give `size` centroids (size x dims) to start from; `points` is dims x any number.

    Fewer come back when the points hold fewer distinct values.
    """
    random = np.random.default_rng(seed)
    look = _subsample(points, max(_SAMPLE, size), random)
    if np.unique(look, axis=1).shape[1] <= size:
        # Repeated points fooled the look, or the data has few values: see all of them.
        points = np.unique(points, axis=1)
        if points.shape[1] <= size:
            return points.T.astype(np.float64)
    if start == "minibatch":
        return _minibatch(points, size, seed)
    sample, weights = _coreset(points, max(_SAMPLE, 4 * size), random)
    draws = random.random((size, _DRAWS))
    chosen = _kernels.plus_plus(axes_of(len(points)), sample, weights, size, draws)
    return np.ascontiguousarray(sample[:, chosen].T)


def _subsample(points: Points, size: int, random: np.random.Generator) -> Points:
    n = points.shape[1]
    if n <= size:
        return points
    return np.ascontiguousarray(points[:, np.sort(random.choice(n, size, replace=False))])


def _coreset(
    points: Points, size: int, random: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw points and the weights that make them stand for all (Bachem, Lucic and Krause, 2018).

    Half are drawn evenly and half by squared distance from the mean: an even sample alone misses
    the few far points of a heavy tail, which then cost Lloyd's iterations dearly.
    """
    n = points.shape[1]
    moved = points - points.mean(axis=1, dtype=np.float64)[:, None].astype(np.float32)
    far = (moved.astype(np.float64) ** 2).sum(axis=0)
    total = np.cumsum(far)
    if n <= size or not total[-1] > 0:
        return points.astype(np.float64), np.ones(n)
    by_distance = np.searchsorted(total, random.random(size // 2) * total[-1], side="right")
    evenly = random.choice(n, size - size // 2, replace=False)
    chosen = np.unique(np.concatenate([np.minimum(by_distance, n - 1), evenly]))
    chance = 0.5 / n + 0.5 * far[chosen] / total[-1]
    return points[:, chosen].astype(np.float64), 1.0 / (n * chance)


def _minibatch(points: Points, size: int, seed: int) -> NDArray[np.float64]:
    from sklearn.cluster import MiniBatchKMeans
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    model = MiniBatchKMeans(
        size, batch_size=65_536, n_init=1, max_iter=3, max_no_improvement=None, random_state=seed
    )
    # Several threads would add in an order of their own.
    with threadpool_limits(1):
        model.fit(np.ascontiguousarray(points.T))
    return np.asarray(model.cluster_centers_, np.float64)
