"""Fit a codebook to points."""

from __future__ import annotations

import logging
from typing import NamedTuple, cast, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tokenry_core.errors import ConfigError, DataError, ShapeError
from tokenry_spectrum.codebook._lloyd import Centroids, Points, step
from tokenry_spectrum.codebook._start import Start, start_centroids

_LOG = logging.getLogger("tokenry_spectrum")


class Codebook(NamedTuple):
    """Centroids (codes x dims, float32, ordered) and what their training saw."""

    centroids: NDArray[np.float32]
    inertia: float
    iterations: int


def fit_codebook(
    points: ArrayLike,
    size: int,
    *,
    seed: int = 0,
    start: Start | ArrayLike = "k-means++",
    tolerance: float = 1e-4,
    max_iterations: int = 100,
) -> Codebook:
    """Give the K-means codebook of `points` (any number x dims).

    Starts by k-means++ on a weighted sample, by scikit-learn's MiniBatchKMeans, or from given
    centroids, then runs Lloyd's iterations on all points until the inertia falls by less than
    `tolerance` of itself. The result depends on the order of the
    points and on nothing else: not on threads, not on the machine's load. Codes are ordered along
    the first principal component, so near ids mean near values. Where there are fewer distinct
    points than codes, the codebook is smaller, and the log says so.

    >>> fit_codebook([[0.0], [0.2], [5.0], [5.2]], 2).centroids.ravel().tolist()
    [0.10..., 5.09...]
    """
    given = np.asarray(points, np.float32)
    if given.ndim != 2 or 0 in given.shape:
        raise ShapeError(f"points have shape {given.shape}; give (any, dims), neither 0")
    if not np.isfinite(given).all():
        raise DataError("points must be finite; leave out those that are not")
    columns: Points = np.ascontiguousarray(given.T)
    if isinstance(start, str):
        if start not in get_args(Start):
            raise ConfigError(f"start is {start!r}; allowed are {get_args(Start)} and centroids")
        centroids = start_centroids(columns, size, seed, cast(Start, start))
    else:
        centroids = np.array(start, np.float64)
    if centroids.ndim != 2 or centroids.shape[1] != len(columns):
        raise ShapeError(f"start has shape {centroids.shape}; give (codes, {len(columns)})")
    centroids, inertia, iterations = _iterate(columns, centroids, tolerance, max_iterations)
    if len(centroids) < size:
        _LOG.warning("codebook holds %d codes, not %d: no more distinct points",
                     len(centroids), size)  # fmt: skip
    return Codebook(order_codes(centroids).astype(np.float32), inertia, iterations)


def _iterate(
    points: Points, centroids: Centroids, tolerance: float, most: int
) -> tuple[Centroids, float, int]:
    inertia, count, settled = np.inf, 0, False
    while count < most and not settled:
        now = step(points, centroids)
        settled = not now.empty and inertia - now.inertia <= tolerance * now.inertia
        centroids, inertia, count = now.centroids, now.inertia, count + 1
    return centroids, float(inertia), count


def order_codes(centroids: Centroids) -> Centroids:
    """Give the centroids along their first principal component, largest loading positive.

    >>> order_codes(np.array([[3.0, 1.0], [1.0, 0.0], [2.0, 0.0]])).tolist()
    [[1.0, 0.0], [2.0, 0.0], [3.0, 1.0]]
    """
    moved = centroids - centroids.mean(axis=0)
    axis = np.linalg.eigh(moved.T @ moved)[1][:, -1]
    axis = axis * np.sign(axis[np.argmax(np.abs(axis))])
    along = moved @ axis
    return centroids[np.lexsort((*centroids.T[::-1], along))]
