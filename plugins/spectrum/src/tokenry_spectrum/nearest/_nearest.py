"""The nearest centroid of every point, by whichever path is fastest for their number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tokenry_core import token_dtype
from tokenry_core.errors import ShapeError
from tokenry_spectrum._axes import axes_of
from tokenry_spectrum._threads import spread
from tokenry_spectrum.nearest import _kernels
from tokenry_spectrum.nearest._cells import Grid, build_grid, fineness

Vector = NDArray[np.float64]

# Building a grid costs as much as comparing about this many points with 2048 centroids.
_PAYS = {1: 16_000, 2: 50_000, 3: 130_000}
_PART = 8_192


class NearestCentroid:
    """Label points with their nearest centroid, exactly.

    The label is `argmin(((point - centroids) ** 2).sum(1))` in float64, the lowest index on a tie,
    whichever path computes it; a point that is not finite gets the label `missing`, by default
    `len(centroids)`.

    In one to three dimensions a grid of candidate cells answers; it is built when the points so
    far have paid for it, and kept. Fewer points, and more dimensions, are compared with all
    centroids.

    >>> near = NearestCentroid([[0.0], [1.0], [4.0]])
    >>> near.labels([[0.4], [0.5], [9.0], [float("nan")]]).tolist()
    [0, 0, 2, 3]
    """

    def __init__(
        self, centroids: ArrayLike, missing: int | None = None, threads: int | None = None
    ) -> None:
        self.centroids = np.array(centroids, np.float64, order="C")
        if self.centroids.ndim != 2 or 0 in self.centroids.shape:
            raise ShapeError(
                f"centroids have shape {self.centroids.shape}; give (codes, dimensions), neither 0"
            )
        if not np.isfinite(self.centroids).all():
            raise ShapeError("centroids must be finite")
        self.missing = len(self.centroids) if missing is None else missing
        self.threads = threads
        self.dtype = token_dtype(self.missing)
        self._grid: Grid | None = None
        self._fine = 0
        self._asked = 0

    def __getstate__(self) -> dict[str, Any]:
        """Leave the tables behind: they are quicker to build than to send to a worker."""
        return {**self.__dict__, "_grid": None, "_asked": 0}

    def labels(self, points: ArrayLike) -> NDArray[Any]:
        """Give the label of each row of `points` (any number x dimensions)."""
        points = np.asarray(points)
        if points.ndim != 2 or points.shape[1] != self.centroids.shape[1]:
            raise ShapeError(
                f"points have shape {points.shape}; give (any, {self.centroids.shape[1]})"
            )
        return self.of_features(points.T)

    def of_features(
        self, features: NDArray[Any], shift: Vector | None = None, scale: Vector | None = None
    ) -> NDArray[Any]:
        """Give the label of `(features[:, i] - shift) * scale` for every i, in float64."""
        n = features.shape[1]
        out = np.empty(n, self.dtype)
        label = self.over(features, shift, scale)
        parts = max(1, min(16, n // _PART))
        spread(lambda a, b: label(a, b, out[a:b]), n, parts, self.threads)
        return out

    def over(
        self, features: NDArray[Any], shift: Vector | None = None, scale: Vector | None = None
    ) -> Callable[[int, int, NDArray[Any]], None]:
        """Give `label(first, last, out)`, which labels a part of the features from any thread."""
        d, n = features.shape
        moved = np.zeros(d) if shift is None else np.asarray(shift, np.float64)
        sized = np.ones(d) if scale is None else np.asarray(scale, np.float64)
        missing = self.missing
        axes = axes_of(d)
        grid = self._grid_for(features, moved, sized)

        def by_grid(first: int, last: int, out: NDArray[Any]) -> None:
            assert grid is not None
            _kernels.assign(
                axes, features, first, last, moved, sized, self.centroids,
                grid.inner, grid.outer, grid.bits, missing, out,
            )  # fmt: skip

        def by_all(first: int, last: int, out: NDArray[Any]) -> None:
            _kernels.brute(axes, features, first, last, moved, sized, self.centroids, missing, out)

        def by_product(first: int, last: int, out: NDArray[Any]) -> None:
            self._by_product(features[:, first:last], moved, sized, out)

        if grid is not None:
            return by_grid
        return by_product if d > 3 and n * len(self.centroids) > 1 << 16 else by_all

    def _grid_for(self, features: NDArray[Any], shift: Vector, scale: Vector) -> Grid | None:
        d, n = features.shape
        self._asked += n
        if d > 3 or self._asked * len(self.centroids) < _PAYS[d] * 2048:
            return None
        fine = fineness(d, self._asked)
        if self._grid is None or fine > self._fine:
            sample = features[:, :: max(1, n // 20_000)].astype(np.float64)
            sample = (sample - shift[:, None]) * scale[:, None]
            sample = sample[:, np.isfinite(sample).all(axis=0)]
            self._grid = build_grid(self.centroids, sample, self._asked)
            self._fine = fine
        return self._grid

    def _by_product(
        self, features: NDArray[Any], shift: Vector, scale: Vector, out: NDArray[Any]
    ) -> None:
        """Rank by x.c - |c|^2/2 in float32, then decide in float64 among all that come close.

        The rounding of a product of length d is below (d + 2) eps |x| |c|; the slack is twice the
        sum over both sides of a comparison, in terms of the longest centroid.
        """
        middle = self.centroids.mean(axis=0)
        moved = self.centroids - middle
        length = np.sqrt((moved**2).sum(axis=1).max())
        matrix = moved.T.astype(np.float32)
        halves = (0.5 * (moved**2).sum(axis=1)).astype(np.float32)
        eps = 4.0 * (len(middle) + 8) * float(np.finfo(np.float32).eps)
        step = max(1, (1 << 22) // len(self.centroids))

        for start in range(0, features.shape[1], step):
            part = np.ascontiguousarray(features[:, start : start + step].T, np.float64)
            part = (part - shift) * scale
            finite = np.asarray(np.isfinite(part).all(axis=1))
            whole = np.where(finite[:, None], part, 0.0)
            near = whole - middle
            norm = np.sqrt((near**2).sum(axis=1))
            # Beyond the reach of float32 every centroid is a candidate.
            near[norm > 1e15] = 0.0
            scores = near.astype(np.float32) @ matrix - halves
            slack = eps * (norm * length + length * length) + 1e-14 * norm * norm
            slack[norm > 1e15] = np.inf
            labels = out[start : start + step]
            _kernels.refine_product(whole, self.centroids, scores, slack, self.missing, labels)
            labels[~finite] = self.missing
