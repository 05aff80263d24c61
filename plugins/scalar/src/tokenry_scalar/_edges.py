"""From quantiles to the edges of bins, and from bins back to values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tokenry_scalar._floats import ceil32

STEP = 1e-8
FLOAT64, FLOAT32, INTEGER = 0, 1, 2  # what values a column's type can hold


def separated(quantiles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give strictly increasing edges: one that is not above its predecessor is moved above it.

    >>> separated(np.array([0.0, 5.0, 5.0, 7.0])).tolist()
    [0.0, 5.0, 5.00000001, 7.0]
    """
    if (np.diff(quantiles) > 0).all():
        return quantiles
    edges = quantiles.tolist()
    for i in range(1, len(edges)):
        if not edges[i] > edges[i - 1]:
            last = edges[i - 1]
            edges[i] = max(last + STEP, float(np.nextafter(last, np.inf)))
    return np.array(edges)


def merged(quantiles: NDArray[np.float64], lattice: int) -> NDArray[np.float64]:
    """Give the edges of the bins that a value of the column's type can reach: one, or more.

    A largest value that fills a bin or more gets a bin of its own, like any other.

    >>> merged(np.array([0.0, 5.0, 5.0, 5.2, 7.0]), INTEGER).tolist()
    [0.0, 5.0, 5.2, 7.0]
    """
    inner, last = quantiles[:-1], quantiles[-1]
    _, first = np.unique(on_lattice(inner, lattice), return_index=True)
    edges = inner[first]
    return np.append(edges, last) if last > edges[-1] else separated(np.append(edges, edges[-1]))


def on_lattice(values: NDArray[np.float64], lattice: int) -> NDArray[np.float64]:
    """Give the smallest value of the column's type that is not below each value."""
    if lattice == INTEGER:
        return np.ceil(values)
    return ceil32(values).astype(np.float64) if lattice == FLOAT32 else values


def unreachable(quantiles: NDArray[np.float64], edges: NDArray[np.float64], lattice: int) -> int:
    """Count the bins that no value of training, or of the column's type, can fall into.

    Those are bins with both edges moved by `separated`, and bins between two neighbouring values
    of the type. Everything below the first bin is clipped into it, so that one counts as reached.
    """
    moved = quantiles != edges if len(quantiles) == len(edges) else np.zeros(len(edges), bool)
    between = moved[:-1] & moved[1:]
    at = on_lattice(edges, lattice)
    between[:-1] |= at[:-2] == at[1:-1]
    return int(np.count_nonzero(between[1:]))


def midpoints(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the middle of each bin, inside the bin."""
    return inside(edges[:-1] / 2 + edges[1:] / 2, edges)


def inside(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give one value a bin, moved to the nearest that encodes to that bin."""
    return np.clip(values, edges[:-1], np.nextafter(edges[1:], -np.inf))
