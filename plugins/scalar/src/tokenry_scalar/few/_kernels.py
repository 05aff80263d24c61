"""Counting values one by one, in a hash table, while there are few distinct ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

BLOCK = 1024
FEW = 4096  # distinct values that are counted one by one
PLACES = 1 << 14  # of the hash table for them: at most a quarter full, searches are short
FREE = -1  # the bits of a NaN


@njit(inline="always")
def _hash(key: Any) -> Any:
    """Give the place in the hash table where the search for a key begins."""
    return np.int64((np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(50))


@njit(inline="always")
def _place(key: Any, keys: Any) -> Any:
    """Find the place of a key in the hash table, or the free place where it belongs."""
    at = _hash(key)
    while keys[at] != key and keys[at] != FREE:
        at = (at + 1) & np.int64(PLACES - 1)
    return at


@njit(inline="always")
def _keys_and_places(x: Any, value: Any, key: Any, place: Any) -> Any:
    """Give each value its bits and where its search begins; one place is for what is not finite."""
    for i in range(x.size):
        wide = np.float64(x[i]) + 0.0  # minus zero becomes zero
        value[i] = wide if abs(wide) < np.inf else np.nan
    for i in range(x.size):
        present = value[i] == value[i]
        place[i] = np.int32(_hash(key[i])) if present else np.int32(PLACES)
        key[i] = key[i] if present else np.int64(FREE)


@njit(cache=True, nogil=True)
def count_few(x: Any, keys: Any, counts: Any, used: Any) -> Any:
    """Count finite values one by one; stop at the first that would be one too many.

    Each key has four counters in turn: a counter that was just written is slow to read.
    """
    value, place = np.empty(BLOCK, np.float64), np.empty(BLOCK, np.int32)
    key = value.view(np.int64)
    for start in range(0, x.size, BLOCK):
        n = min(BLOCK, x.size - start)
        _keys_and_places(x[start : start + n], value[:n], key[:n], place[:n])
        for i in range(n):
            at = np.int64(place[i])
            if keys[at] != key[i]:
                at = _place(key[i], keys)
                if keys[at] == FREE:
                    if used[0] == FEW:
                        return start + i
                    used[0] += 1
                    keys[at] = key[i]
            counts[at, i & 3] += 1
    return x.size


@njit(cache=True, nogil=True)
def pour_few(source: Any, times: Any, keys: Any, counts: Any, used: Any) -> Any:
    """Add the counts of keys that are known to fit."""
    for i in range(source.size):
        at = _place(source[i], keys)
        used[0] += keys[at] == FREE
        keys[at] = source[i]
        counts[at, 0] += times[i]
