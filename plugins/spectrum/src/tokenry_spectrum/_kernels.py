"""The choice of points for training, point by point."""

# The types of a kernel are those of its first call.
# mypy: allow-untyped-defs, allow-untyped-calls, disable-error-code="assignment"
from __future__ import annotations

import numpy as np
from numba import njit

STEP = np.uint64(0x9E3779B97F4A7C15)
FIRST = np.uint64(0xBF58476D1CE4E5B9)
SECOND = np.uint64(0x94D049BB133111EB)


@njit(nogil=True, cache=True)
def point_hash(row, number):
    """Scatter row hash and point number: SplitMix64's sequence, begun at the row's hash."""
    z = row + np.uint64(number + 1) * STEP
    z = (z ^ (z >> np.uint64(30))) * FIRST
    z = (z ^ (z >> np.uint64(27))) * SECOND
    return z ^ (z >> np.uint64(31))


@njit(nogil=True, cache=True)
def choose_points(features, lengths, row_hashes, per_row, limit, hashes, places, rows):
    """Find the finite points whose hash is at most `limit`, of each row the `per_row` smallest.

    Fills `hashes`, `places` (columns of features) and `rows`, and returns how many there are.
    """
    d = features.shape[0]
    found = 0
    at = 0
    for row in range(len(lengths)):
        n = lengths[row]
        begin = found
        for j in range(n):
            finite = True
            for z in range(d):
                finite = finite & np.isfinite(features[z, at + j])
            if finite:
                hashes[found] = point_hash(row_hashes[row], j)
                places[found] = at + j
                rows[found] = row
                found += 1
        most = limit
        if found - begin > per_row:
            most = min(most, np.partition(hashes[begin:found], per_row - 1)[per_row - 1])
        kept = begin
        for i in range(begin, found):
            if hashes[i] <= most:
                hashes[kept] = hashes[i]
                places[kept] = places[i]
                rows[kept] = rows[i]
                kept += 1
        found = kept
        at += n
    return found
