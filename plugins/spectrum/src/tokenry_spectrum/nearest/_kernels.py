"""Loops that NumPy cannot fuse; each states the plain definition that it is tested against.

Everywhere a point is the float64 vector `(features[:, i] - shift) * scale`, a squared distance is
summed in float64 in the order of the dimensions, and the lowest index wins a tie. All kernels
release the interpreter lock and touch only their own part of the output, so that plain threads can
share the work; none is compiled with relaxed arithmetic, so every path computes the same bits.

`axes` comes from `axes_of`.
"""

# The types of a kernel are those of its first call.
# mypy: allow-untyped-defs, allow-untyped-calls, disable-error-code="assignment"
from __future__ import annotations

import numpy as np
from numba import njit

BLOCK = 128


@njit(nogil=True, cache=True)
def brute(axes, features, first, last, shift, scale, centroids, missing, out):
    """Nearest centroid by trying all: `argmin(((point - centroids) ** 2).sum(1))`.

    Centroids outside, points inside: the inner loop then runs in vector registers.
    """
    dims = len(axes) if len(axes) else centroids.shape[1]
    width = 256
    x = np.empty((dims, width), np.float64)
    best = np.empty(width, np.float64)
    code = np.empty(width, np.int32)
    for start in range(first, last, width):
        m = min(width, last - start)
        for z in range(dims):
            for i in range(m):
                x[z, i] = (np.float64(features[z, start + i]) - shift[z]) * scale[z]
        for i in range(m):
            best[i] = np.inf
            code[i] = missing
        for c in range(centroids.shape[0]):
            for i in range(m):
                s = 0.0
                for z in range(dims):
                    v = x[z, i] - centroids[c, z]
                    s += v * v
                closer = s < best[i]
                best[i] = s if closer else best[i]
                code[i] = c if closer else code[i]
        for i in range(m):
            out[start - first + i] = code[i]


@njit(nogil=True, cache=True)
def refine_product(points, centroids, scores, slack, missing, out):
    """Decide exactly among the centroids whose approximate score is within `slack` of the best."""
    n, k = scores.shape
    d = points.shape[1]
    for i in range(n):
        top = scores[i].max()
        best = np.inf
        code = missing
        for c in range(k):
            if scores[i, c] >= top - slack[i]:
                s = 0.0
                for z in range(d):
                    v = points[i, z] - centroids[c, z]
                    s += v * v
                if s < best:
                    best = s
                    code = c
        out[i] = code


@njit(nogil=True, cache=True, inline="always")
def lookup(axes, x, i, t, bits, centroids, lists):
    """Nearest of the candidates that table entry `t` stands for."""
    d = len(axes)
    if t >= 0:
        # Unsigned: a signed index would be tested for counting from the end.
        a = np.uint32(t & ((1 << bits) - 1))
        b = np.uint32(t >> bits)
        s = 0.0
        r = 0.0
        for z in range(d):
            v = x[z, i] - centroids[a, z]
            s += v * v
            u = x[z, i] - centroids[b, z]
            r += u * u
        return b if r < s else a
    at = -t - 1
    best = np.inf
    code = 0
    for j in range(at + 1, at + 1 + lists[at]):
        c = lists[j]
        s = 0.0
        for z in range(d):
            v = x[z, i] - centroids[c, z]
            s += v * v
        if s < best:
            best = s
            code = np.int64(c)
    return code


@njit(nogil=True, cache=True)
def assign(axes, features, first, last, shift, scale, centroids, inner, outer, bits, missing, out):
    """Nearest centroid through the inner cells, else the outer ones, else by trying all."""
    d = len(axes)
    k = centroids.shape[0]
    low, inverse, size, table, lists = inner
    low_o, inverse_o, size_o, table_o, lists_o = outer
    x = np.empty((d, BLOCK), np.float64)
    cell = np.empty(BLOCK, np.int64)
    for start in range(first, last, BLOCK):
        m = min(BLOCK, last - start)
        for i in range(m):
            c = np.int64(0)
            inside = True
            for z in range(d):
                v = (np.float64(features[z, start + i]) - shift[z]) * scale[z]
                x[z, i] = v
                f = (v - low[z]) * inverse[z]
                ok = (f >= 0.0) & (f < size)
                inside = inside & ok
                c = c * size + np.int64(f if ok else 0.0)
            cell[i] = c if inside else -1
        for i in range(m):
            c = cell[i]
            if c >= 0:
                out[start - first + i] = lookup(
                    axes, x, i, table[np.uint64(c)], bits, centroids, lists
                )
                continue
            c = 0
            inside = True
            finite = True
            for z in range(d):
                f = (x[z, i] - low_o[z]) * inverse_o[z]
                finite = finite & np.isfinite(x[z, i])
                ok = (f >= 0.0) & (f < size_o)
                inside = inside & ok
                c = c * size_o + np.int64(f if ok else 0.0)
            if inside:
                out[start - first + i] = lookup(
                    axes, x, i, table_o[np.uint64(c)], bits, centroids, lists_o
                )
                continue
            code = np.int64(missing)
            if finite:
                best = np.inf
                for j in range(k):
                    s = 0.0
                    for z in range(d):
                        v = x[z, i] - centroids[j, z]
                        s += v * v
                    if s < best:
                        best = s
                        code = j
            out[start - first + i] = code
