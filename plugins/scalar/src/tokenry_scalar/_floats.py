"""Floats as integers that order as they do, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
_REST = {4: 0x7FFFFFFF, 8: 0x7FFFFFFFFFFFFFFF}


def keys_of_floats(values: Floats) -> NDArray[np.int64]:
    """Give integers in the order of the floats.

    >>> keys_of_floats(np.array([-1.0, 0.0, 1e-300])).tolist() == sorted(
    ...     keys_of_floats(np.array([1e-300, -1.0, 0.0])).tolist())
    True
    """
    size = values.dtype.itemsize
    bits = values.view(np.int32 if size == 4 else np.int64).astype(np.int64)
    return np.where(bits < 0, bits ^ _REST[size], bits)


def floats_of_keys(keys: NDArray[np.int64], dtype: Any = np.float64) -> NDArray[np.float64]:
    """Give the floats back, as float64."""
    size = np.dtype(dtype).itemsize
    bits = np.where(keys < 0, keys ^ _REST[size], keys)
    floats: Floats = bits.astype(np.int32 if size == 4 else np.int64).view(dtype)
    return floats.astype(np.float64)


def ceil32(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Give the smallest float32 that is not below each value."""
    with np.errstate(over="ignore"):
        near = values.astype(np.float32)
        return np.where(near < values, np.nextafter(near, np.float32(np.inf)), near)


def floor32(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Give the largest float32 that is not above each value."""
    return -ceil32(-values)
