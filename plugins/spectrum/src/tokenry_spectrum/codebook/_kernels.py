"""Loops of the training; they release the interpreter lock and keep a fixed order of sums.

`axes` comes from `axes_of`.
"""

# The types of a kernel are those of its first call.
# mypy: allow-untyped-defs, allow-untyped-calls, disable-error-code="assignment"
from __future__ import annotations

import numpy as np
from numba import njit

WIDTH = 128


@njit(nogil=True, cache=True)
def lower(axes, points, weights, j, best, blocks, total):
    """Lower `best` to the weighted squared distance from point j; sum it by block."""
    dims = len(axes) if len(axes) else points.shape[0]
    n = points.shape[1]
    for b in range(blocks):
        start = b * WIDTH
        for i in range(start, min(n, start + WIDTH)):
            s = 0.0
            for z in range(dims):
                v = points[z, i] - points[z, j]
                s += v * v
            best[i] = min(s * weights[i], best[i])
        p, q, r, t = 0.0, 0.0, 0.0, 0.0
        for i in range(start, start + WIDTH, 4):
            p += best[i]
            q += best[i + 1]
            r += best[i + 2]
            t += best[i + 3]
        total[b] = (p + q) + (r + t)


@njit(nogil=True, cache=True)
def plus_plus(axes, points, weights, k, draws):
    """Greedy k-means++ (Arthur and Vassilvitskii, 2007): the positions of k points.

    The first point is drawn evenly; each further one is, of some drawn by their squared
    distance to the chosen, the one that lowers the sum of these most. Distances are summed in
    blocks, so that a draw walks over the blocks and then over one.
    """
    n = points.shape[1]
    blocks = (n + WIDTH - 1) // WIDTH
    best = np.zeros(blocks * WIDTH, np.float64)
    best[:n] = np.inf
    total = np.empty(blocks, np.float64)
    tried, tried_total = np.empty_like(best), np.empty_like(total)
    kept, kept_total = np.empty_like(best), np.empty_like(total)
    chosen = np.empty(k, np.int64)
    chosen[0] = min(n - 1, int(draws[0, 0] * n))
    lower(axes, points, weights, chosen[0], best, blocks, total)
    for c in range(1, k):
        whole = total.sum()
        least = np.inf
        for draw in draws[c]:
            goal = draw * whole
            b = 0
            while b < blocks - 1 and goal >= total[b]:
                goal -= total[b]
                b += 1
            j = -1
            for i in range(b * WIDTH, min(n, b * WIDTH + WIDTH)):
                if best[i] > 0.0:
                    j = i
                    goal -= best[i]
                    if goal < 0.0:
                        break
            if j < 0:
                j = best.argmax()
            tried[:] = best
            lower(axes, points, weights, j, tried, blocks, tried_total)
            remaining = tried_total.sum()
            if remaining < least:
                least = remaining
                chosen[c] = j
                kept, tried = tried, kept
                kept_total, tried_total = tried_total, kept_total
        best, kept = kept, best
        total, kept_total = kept_total, total
    return chosen


@njit(nogil=True, cache=True)
def add_up(axes, points, first, last, labels, centroids, sums, counts):
    """Add the points to their clusters; return the sum of squared distances."""
    dims = len(axes) if len(axes) else points.shape[0]
    inertia = 0.0
    for i in range(first, last):
        c = labels[i - first]
        counts[c] += 1
        s = 0.0
        for z in range(dims):
            v = np.float64(points[z, i])
            sums[c, z] += v
            v -= centroids[c, z]
            s += v * v
        inertia += s
    return inertia
