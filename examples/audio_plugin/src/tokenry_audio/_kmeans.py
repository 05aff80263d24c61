"""A codebook by k-means, in whole numbers.

Points and centres are whole numbers. Squares, products and sums of them are exact in float64 up to
2**53, in whatever order a library adds them: the same codebook and the same nearest centre come out
on every machine, with the speed of a matrix product.
"""

from __future__ import annotations

import numpy as np

from tokenry_core import Array


def nearest(points: Array, centres: Array) -> tuple[Array, Array]:
    """The index of the nearest centre of each point, the first of equals, and the squared distance.

    >>> nearest(np.array([[0, 1], [9, 9]]), np.array([[0, 0], [10, 10]]))[0].tolist()
    [0, 1]
    """
    points, centres = points.astype(np.float64), centres.astype(np.float64)
    squared = (centres**2).sum(1) - 2.0 * (points @ centres.T)
    index = squared.argmin(1)
    return index, squared[np.arange(len(points)), index] + (points**2).sum(1)


def kmeans(points: Array, codes: int, *, seed: int, rounds: int = 50) -> Array:
    """At most `codes` different centres, by growing sum: k-means++, then Lloyd's rounds.

    >>> kmeans(np.array([[0], [2], [100], [102]]), 2, seed=0).tolist()
    [[1], [101]]
    """
    centres = _spread(points.astype(np.float64), codes, np.random.default_rng(seed))
    for _ in range(rounds):
        index, _distance = nearest(points, centres)
        members = np.bincount(index, minlength=len(centres))
        sums = np.stack([np.bincount(index, axis, len(centres)) for axis in points.T], axis=1)
        moved = np.where(members[:, None] > 0, sums / np.maximum(members, 1)[:, None], centres)
        moved = np.rint(moved)
        if (moved == centres).all():
            break
        centres = moved
    centres = np.unique(centres, axis=0)
    return centres[np.argsort(centres.sum(1), kind="stable")].astype(np.int16)


def _spread(points: Array, codes: int, random: np.random.Generator) -> Array:
    """Points far from each other: each drawn by its squared distance to those already taken.

    k-means++ (Arthur and Vassilvitskii, 2007).
    """
    chosen = [points[random.integers(len(points))]]
    distance = ((points - chosen[0]) ** 2).sum(1)
    while len(chosen) < codes and distance.any():
        place = np.searchsorted(distance.cumsum(), random.random() * distance.sum(), side="right")
        chosen.append(points[place])
        distance = np.minimum(distance, ((points - chosen[-1]) ** 2).sum(1))
    return np.array(chosen)
