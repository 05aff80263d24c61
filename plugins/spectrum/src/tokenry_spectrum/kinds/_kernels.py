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
            whole = inner - inner % 4
            for j in range(0, whole, 4):
                # Four rows of b for one load and store of a sum; the additions stay in order.
                for r in range(i, i + 4):
                    c0, c1, c2, c3 = a[r, j], a[r, j + 1], a[r, j + 2], a[r, j + 3]
                    for p in range(width):
                        out[r, p] = (
                            ((out[r, p] + c0 * b[j, p]) + c1 * b[j + 1, p]) + c2 * b[j + 2, p]
                        ) + c3 * b[j + 3, p]
            for j in range(whole, inner):
                for r in range(i, i + 4):
                    c0 = a[r, j]
                    for p in range(width):
                        out[r, p] += c0 * b[j, p]
            continue
        for r in range(i, i + rows):
            for p in range(width):
                out[r, p] = 0.0
            for j in range(inner):
                c = np.float64(a[r, j])
                for p in range(width):
                    out[r, p] += c * b[j, p]
