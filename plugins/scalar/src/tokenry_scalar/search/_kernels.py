"""The loops of the search: ranks among counts, values inside intervals, values in parts of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from tokenry_scalar.binning._kernels import BLOCK, _cells32, _cells64, _halve


@njit(cache=True, nogil=True)
def cells_of_ranks(table: Any, ranks: Any, cell: Any, below: Any, count: Any) -> Any:
    """Find the cell that holds each of the ascending ranks, and how many values lie below it."""
    seen, r = np.int64(0), 0
    for i in range(table.size):
        if table[i]:
            after = seen + np.int64(table[i])
            while r < ranks.size and ranks[r] < after:
                cell[r], below[r], count[r] = i, seen, np.int64(table[i])
                r += 1
            seen = after
            if r == ranks.size:
                return


@njit(cache=True, nogil=True, error_model="numpy")
def keep_inside32(
    x: Any, mode: Any, steps: Any, form: Any, key: Any, start: Any, edges: Any, out: Any
) -> Any:
    """Copy the values that have an odd number of edges not above them; return how many."""
    every, cells, index = (
        np.ones(BLOCK, np.bool_),
        np.empty(BLOCK, np.uint16),
        np.empty(BLOCK, np.uint16),
    )
    u, kept = x.view(np.int32), np.int64(0)
    for at in range(0, x.size, BLOCK):
        v = x[at : at + BLOCK]
        _cells32(v, u[at : at + BLOCK], every[: v.size], mode, form, key, 0, cells[: v.size])
        _halve(v, cells[: v.size], start, edges, steps, index[: v.size])
        for i in range(v.size):
            out[kept] = v[i]
            kept += np.int64(index[i] & np.uint16(1)) & np.int64(v[i] == v[i])
    return kept


@njit(cache=True, nogil=True, error_model="numpy")
def keep_inside64(
    x: Any, mode: Any, steps: Any, form: Any, key: Any, start: Any, edges: Any, out: Any
) -> Any:
    """Copy the values that have an odd number of edges not above them; return how many."""
    every, cells, index = (
        np.ones(BLOCK, np.bool_),
        np.empty(BLOCK, np.uint16),
        np.empty(BLOCK, np.uint16),
    )
    u, kept = x.view(np.int64), np.int64(0)
    for at in range(0, x.size, BLOCK):
        v = x[at : at + BLOCK]
        _cells64(v, u[at : at + BLOCK], every[: v.size], mode, form, key, 0, cells[: v.size])
        _halve(v, cells[: v.size], start, edges, steps, index[: v.size])
        for i in range(v.size):
            out[kept] = v[i]
            kept += np.int64(index[i] & np.uint16(1)) & np.int64(v[i] == v[i])
    return kept


@njit(cache=True, nogil=True)
def subdivide(x: Any, tokens: Any, base: Any, shift: Any, counters: Any, extent: Any) -> Any:
    """Count the values inside intervals in 4096 parts each; keep each interval's extreme keys."""
    bits = np.empty(1, np.float64)
    keys = bits.view(np.int64)
    for i in range(x.size):
        if tokens[i] & 1:
            bits[0] = x[i] + 0.0
            key = keys[0] ^ ((keys[0] >> np.int64(63)) & np.int64(0x7FFFFFFFFFFFFFFF))
            at = tokens[i] >> 1
            part = (np.uint64(key) - np.uint64(base[at])) >> np.uint64(shift[at])
            counters[at, part] += 1
            extent[at, 0] = min(extent[at, 0], key)
            extent[at, 1] = max(extent[at, 1], key)
