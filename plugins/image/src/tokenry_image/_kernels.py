"""Scaling, stretch and mask in one pass over the pixels, on a CPU."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

__all__ = ["arcsinh_definition", "prepare_band", "prepare_rows"]

_SQRT2 = np.float32(math.sqrt(2))
_LN2 = np.float32(math.log(2))
_HUGE = np.float32(1e15)  # its square is far from overflow, and x + 1/x is x to the last bit
_ONE, _HALF, _TWO, _ZERO = (np.float32(x) for x in (1, 0.5, 2, 0))
# log(1 + t) = t - t^2 / 2 + t^3 P(t) for sqrt(1/2) - 1 < t < sqrt(2) - 1, to 1e-7: the polynomial
# of Cephes' logf (Moshier, 1992).
_P = tuple(
    np.float32(c)
    for c in (
        7.0376836292e-2,
        -1.1514610310e-1,
        1.1676998740e-1,
        -1.2420140846e-1,
        1.4249322787e-1,
        -1.6668057665e-1,
        2.0000714765e-1,
        -2.4999993993e-1,
        3.3333331174e-1,
    )
)
_P0, _P1, _P2, _P3, _P4, _P5, _P6, _P7, _P8 = _P


def arcsinh_definition(raw: Any, offset: Any, scale: Any, stretched: bool) -> tuple[Any, Any]:
    """Give images and mask of (rows, bands, pixels): what the kernel is tested against."""
    mask = np.isfinite(raw)
    images = (np.where(mask, raw, 0.0).astype(np.float64) - offset[:, None]) / scale[:, None]
    return np.where(mask, np.arcsinh(images) if stretched else images, 0.0), mask


@njit(cache=True, nogil=True, error_model="numpy")
def _prepare(given, low, factor, stretched, out, seen):  # type: ignore[no-untyped-def]
    """Prepare one band of one row; gives how many pixels are finite.

    Nothing branches in the loops over the pixels, so that the compiler makes vectors of them.
    """
    count = 0
    for i in range(given.shape[0]):
        finite = given[i] - given[i] == _ZERO
        seen[i] = finite
        count += finite
        out[i] = (given[i] - low) * factor if finite else _ZERO
    if not stretched:
        return count
    bits = np.empty(
        given.shape[0], np.int32
    )  # made here, or the compiler cannot tell what they share
    floats = bits.view(np.float32)
    for i in range(given.shape[0]):
        size = abs(out[i])
        root = math.sqrt(size * size + _ONE)
        floats[i] = size + (root if size < _HUGE else size)
    for i in range(given.shape[0]):
        exponent = np.int32((bits[i] >> 23) - 127)
        bits[i] = (bits[i] & 0x007FFFFF) | 0x3F800000
        t = floats[i]
        upper = t > _SQRT2
        t = (t * _HALF if upper else t) - _ONE
        power = np.float32(exponent) + (_ONE if upper else _ZERO)
        p = (((_P0 * t + _P1) * t + _P2) * t + _P3) * t + _P4
        p = (((p * t + _P5) * t + _P6) * t + _P7) * t + _P8
        square = t * t
        log = (t - _HALF * square + square * t * p) + power * _LN2
        out[i] = -log if out[i] < _ZERO else log
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def prepare_rows(raw, offset, scale, stretched, images, mask):  # type: ignore[no-untyped-def]
    """Fill `images`, which may be `raw`, and `mask` from `raw`, all (rows, bands, pixels)."""
    for row in range(raw.shape[0]):
        for band in range(raw.shape[1]):
            low, factor = offset[band], _ONE / scale[band]
            out, seen = images[row, band], mask[row, band]
            _prepare(raw[row, band], low, factor, stretched, out, seen)


@njit(cache=True, nogil=True, error_model="numpy")
def prepare_band(raw, band, offset, scale, stretched, images, mask, counts):  # type: ignore[no-untyped-def]
    """Fill one band of `images` and `mask` from `raw` (rows, pixels), and count finite pixels."""
    low, factor = offset[band], _ONE / scale[band]
    for row in range(raw.shape[0]):
        out, seen = images[row, band], mask[row, band]
        counts[row, band] = _prepare(raw[row], low, factor, stretched, out, seen)
