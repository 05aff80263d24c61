"""The matrix product of Gaia's spectra, row by row."""

# The types of a kernel are those of its first call.
# mypy: allow-untyped-defs, allow-untyped-calls
from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def row_product(a, b, first, last, out):
    """`out[first:last] = a[first:last] @ b`, the same bits whatever rows stand beside a row.

    A general product adds in an order that depends on the number of rows; a spectrum's tokens may
    not depend on its batch. Four rows at a time share what is read of b; each still adds in the
    order of b's rows.
    """
    inner, width = b.shape
    for i in range(first, last, 4):
        rows = min(4, last - i)
        if rows == 4:
            for p in range(width):
                out[i, p] = out[i + 1, p] = out[i + 2, p] = out[i + 3, p] = 0.0
            for j in range(inner):
                c0, c1, c2, c3 = a[i, j], a[i + 1, j], a[i + 2, j], a[i + 3, j]
                for p in range(width):
                    out[i, p] += c0 * b[j, p]
                    out[i + 1, p] += c1 * b[j, p]
                    out[i + 2, p] += c2 * b[j, p]
                    out[i + 3, p] += c3 * b[j, p]
            continue
        for r in range(i, i + rows):
            for p in range(width):
                out[r, p] = 0.0
            for j in range(inner):
                c = np.float64(a[r, j])
                for p in range(width):
                    out[r, p] += c * b[j, p]
