"""The encode loops: cell of a value, then a few halving steps among the edges of that cell.

Each block of rows goes through loops that do one thing each and hold no branch, so that the
compiler turns the first into vector instructions and the second into independent loads. A table is
laid out by `_grid.py`, which also says why the result is exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray, njit, types
from numba.extending import intrinsic

BLOCK = 2048
LINEAR, BITS, SOFTSIGN = 0, 1, 2


def _pointer(to: Any) -> Any:
    """Make an intrinsic that turns an address into a typed pointer."""

    def at(context: Any, address: Any) -> Any:
        signature = types.CPointer(to)(types.int64)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

        return signature, generate

    return intrinsic(at)


_float32_at = _pointer(types.float32)
_float64_at = _pointer(types.float64)
_int32_at = _pointer(types.int32)
_int64_at = _pointer(types.int64)


@njit(inline="always")
def _float32_rows(address: Any, first: Any, rows: Any) -> Any:
    at = address + 4 * first
    return carray(_float32_at(at), (rows,)), carray(_int32_at(at), (rows,))


@njit(inline="always")
def _float64_rows(address: Any, first: Any, rows: Any) -> Any:
    at = address + 8 * first
    return carray(_float64_at(at), (rows,)), carray(_int64_at(at), (rows,))


@njit(inline="always")
def _linear(x: Any, finite: Any, form: Any, missing: Any, cell: Any) -> Any:
    low, scale, zero, top = form[0], form[1], form[2], form[3]
    for i in range(x.size):
        f = (x[i] - low) * scale
        f = f if f > zero else zero  # NaN ends here, and is replaced below
        f = f if f < top else top
        cell[i] = np.uint16(np.int32(f) if finite[i] else missing)


@njit(inline="always")
def _softsign(x: Any, finite: Any, form: Any, missing: Any, cell: Any) -> Any:
    """Grow as x / (1 + |x|), written so that every rounding preserves order."""
    middle, scale, zero, top = form[0], form[1], form[2], form[3]
    one, two, half = form[4], form[5], form[6]
    for i in range(x.size):
        t = (x[i] - middle) * scale
        w = one / (one + abs(t))
        f = (two - w if t > zero else w) * half
        f = f if f > zero else zero
        f = f if f < top else top
        cell[i] = np.uint16(np.int32(f) if finite[i] else missing)


@njit(inline="always")
def _bits32(u: Any, finite: Any, low: Any, shift: Any, top: Any, missing: Any, cell: Any) -> Any:
    first, count, last = np.int32(low), np.uint32(shift), np.uint32(top)
    for i in range(u.size):
        key = np.int32(u[i] ^ np.int32(np.int32(u[i] >> np.int32(31)) & np.int32(0x7FFFFFFF)))
        key = key if key > first else first
        step = np.uint32(np.uint32(np.uint32(key) - np.uint32(first)) >> count)
        step = step if step < last else last
        cell[i] = np.uint16(step if finite[i] else np.uint32(missing))


@njit(inline="always")
def _bits64(u: Any, finite: Any, low: Any, shift: Any, top: Any, missing: Any, cell: Any) -> Any:
    first, count, last = np.int64(low), np.uint64(shift), np.uint64(top)
    for i in range(u.size):
        key = u[i] ^ ((u[i] >> np.int64(63)) & np.int64(0x7FFFFFFFFFFFFFFF))
        key = key if key > first else first
        step = (np.uint64(key) - np.uint64(first)) >> count
        step = step if step < last else last
        cell[i] = np.uint16(step if finite[i] else np.uint64(missing))


@njit(inline="always")
def _finite32(x: Any, u: Any, low: Any, high: Any, finite: Any) -> Any:
    """Mark the finite values; count what is missing, and what lies outside [low, high]."""
    present, outside = np.int32(0), np.int32(0)
    for i in range(x.size):
        is_finite = np.int32(u[i] & np.int32(0x7FFFFFFF)) < np.int32(0x7F800000)
        finite[i] = is_finite
        present += np.int32(is_finite)
        outside += np.int32(is_finite & ((x[i] < low) | (x[i] > high)))
    return x.size - present, outside


@njit(inline="always")
def _finite64(x: Any, u: Any, low: Any, high: Any, finite: Any) -> Any:
    """Mark the finite values; count what is missing, and what lies outside [low, high]."""
    present, outside = np.int64(0), np.int64(0)
    for i in range(x.size):
        is_finite = (u[i] & np.int64(0x7FFFFFFFFFFFFFFF)) < np.int64(0x7FF0000000000000)
        finite[i] = is_finite
        present += np.int64(is_finite)
        outside += np.int64(is_finite & ((x[i] < low) | (x[i] > high)))
    return x.size - present, outside


@njit(inline="always")
def _halve(x: Any, cell: Any, start: Any, edges: Any, steps: Any, index: Any) -> Any:
    """Count the edges not above each value: those of earlier cells, then halving inside its own."""
    n = x.size
    if steps == 0:
        for i in range(n):
            index[i] = start[cell[i]]
    elif steps == 1:
        for i in range(n):
            k = np.uint32(start[cell[i]])
            index[i] = np.uint16(k + np.uint32(edges[k] <= x[i]))
    elif steps == 2:
        for i in range(n):
            k = np.uint32(start[cell[i]])
            k = np.uint32(k + (np.uint32(edges[k + np.uint32(1)] <= x[i]) << np.uint32(1)))
            index[i] = np.uint16(k + np.uint32(edges[k] <= x[i]))
    else:
        for i in range(n):
            index[i] = start[cell[i]]
        for step in range(steps - 1, -1, -1):
            last = np.uint32((np.uint32(1) << np.uint32(step)) - np.uint32(1))
            for i in range(n):
                k = np.uint32(index[i])
                below = np.uint32(edges[k + last] <= x[i])
                index[i] = np.uint16(k + (below << np.uint32(step)))


@njit(inline="always")
def _cells32(
    x: Any, u: Any, finite: Any, mode: Any, form: Any, key: Any, missing: Any, cell: Any
) -> Any:
    if mode == LINEAR:
        _linear(x, finite, form, missing, cell)
    elif mode == BITS:
        _bits32(u, finite, key[0], key[1], key[2], missing, cell)
    else:
        _softsign(x, finite, form, missing, cell)


@njit(inline="always")
def _cells64(
    x: Any, u: Any, finite: Any, mode: Any, form: Any, key: Any, missing: Any, cell: Any
) -> Any:
    if mode == LINEAR:
        _linear(x, finite, form, missing, cell)
    elif mode == BITS:
        _bits64(u, finite, key[0], key[1], key[2], missing, cell)
    else:
        _softsign(x, finite, form, missing, cell)


@njit(cache=True, nogil=True, error_model="numpy")
def cells32(x: Any, mode: Any, form: Any, key: Any, missing: Any, cell: Any) -> Any:
    """Put the float32 values `x`, all finite, into cells."""
    _cells32(x, x.view(np.int32), np.ones(x.size, np.bool_), mode, form, key, missing, cell)


@njit(cache=True, nogil=True, error_model="numpy")
def cells64(x: Any, mode: Any, form: Any, key: Any, missing: Any, cell: Any) -> Any:
    """Put the float64 values `x`, all finite, into cells."""
    _cells64(x, x.view(np.int64), np.ones(x.size, np.bool_), mode, form, key, missing, cell)


@njit(inline="always")
def _rank(rank: Any, index: Any) -> Any:
    for i in range(index.size):
        index[i] = rank[index[i]]


@njit(inline="always")
def _interleave(tokens: Any, first: Any, rows: Any, target: Any, out: Any) -> Any:
    """Copy token columns into the rows of `out`, four columns at a time."""
    columns = target.size
    whole = columns - columns % 4
    for c in range(0, whole, 4):
        t0, t1, t2, t3 = target[c], target[c + 1], target[c + 2], target[c + 3]
        for i in range(rows):
            out[first + i, t0] = tokens[c, i]
            out[first + i, t1] = tokens[c + 1, i]
            out[first + i, t2] = tokens[c + 2, i]
            out[first + i, t3] = tokens[c + 3, i]
    for c in range(whole, columns):
        for i in range(rows):
            out[first + i, target[c]] = tokens[c, i]


@njit(cache=True, nogil=True, error_model="numpy")
def encode32(
    addresses: Any,
    first: Any,
    last: Any,
    table: Any,
    form: Any,
    key: Any,
    extent: Any,
    start: Any,
    edges: Any,
    rank: Any,
    target: Any,
    out: Any,
) -> Any:
    """Encode rows [first, last) of float32 columns; return missing and clipped per column."""
    columns = addresses.size
    counts = np.zeros((columns, 2), np.int64)
    finite, cell = np.empty(BLOCK, np.bool_), np.empty(BLOCK, np.uint16)
    tokens = np.empty((columns, BLOCK), np.uint16)
    for row in range(first, last, BLOCK):
        n = min(BLOCK, last - row)
        for c in range(columns):
            t, index = table[c], tokens[c, :n]
            x, u = _float32_rows(addresses[c], row, n)
            missing, outside = _finite32(x, u, extent[c, 0], extent[c, 1], finite[:n])
            _cells32(x, u, finite[:n], t[0], form[c], key[c], t[2], cell[:n])
            _halve(x, cell[:n], start[t[3] : t[4]], edges[t[5] : t[6]], t[1], index)
            if t[9]:
                _rank(rank[t[7] : t[8]], index)
            counts[c, 0] += missing
            counts[c, 1] += outside
        _interleave(tokens, row, n, target, out)
    return counts


@njit(cache=True, nogil=True, error_model="numpy")
def encode64(
    addresses: Any,
    first: Any,
    last: Any,
    table: Any,
    form: Any,
    key: Any,
    extent: Any,
    start: Any,
    edges: Any,
    rank: Any,
    target: Any,
    out: Any,
) -> Any:
    """Encode rows [first, last) of float64 columns; return missing and clipped per column."""
    columns = addresses.size
    counts = np.zeros((columns, 2), np.int64)
    finite, cell = np.empty(BLOCK, np.bool_), np.empty(BLOCK, np.uint16)
    tokens = np.empty((columns, BLOCK), np.uint16)
    for row in range(first, last, BLOCK):
        n = min(BLOCK, last - row)
        for c in range(columns):
            t, index = table[c], tokens[c, :n]
            x, u = _float64_rows(addresses[c], row, n)
            missing, outside = _finite64(x, u, extent[c, 0], extent[c, 1], finite[:n])
            _cells64(x, u, finite[:n], t[0], form[c], key[c], t[2], cell[:n])
            _halve(x, cell[:n], start[t[3] : t[4]], edges[t[5] : t[6]], t[1], index)
            if t[9]:
                _rank(rank[t[7] : t[8]], index)
            counts[c, 0] += missing
            counts[c, 1] += outside
        _interleave(tokens, row, n, target, out)
    return counts
