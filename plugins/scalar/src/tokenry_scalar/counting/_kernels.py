"""The loops of the first pass: count values into cells, and add them up exactly.

`_tables.py` says what the cells are, `_sums.py` what the accumulator is.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

BLOCK = 1024
BITS = 1 << 21  # cells of the table by float bits
LINE = 1 << 19  # cells of the table by value
MAGNITUDES = 18  # there are 2**18 cells on either side of zero
FINEST = -100  # the narrowest cell by value is 2**FINEST wide
BIAS = 1140  # slot of the accumulator for units of 2**0
SLOTS = 2200
HUGE = 255 << 12  # cell of magnitudes that a float32 cannot hold


@njit(inline="always")
def _power(exponent: Any) -> Any:
    """Give 2.0**exponent for a normal result, by its bits."""
    bits = np.empty(1, np.int64)
    bits[0] = np.int64(exponent + 1023) << np.int64(52)
    return bits.view(np.float64)[0]


@njit(inline="always")
def _cells32(v: Any, scale: Any, by_bits: Any, by_line: Any) -> Any:
    """Give each float32 its two cells; the last cell of each table is for what is not finite."""
    u = v.view(np.int32)
    for i in range(v.size):
        size = np.int32(u[i] & np.int32(0x7FFFFFFF))
        sign = np.int32(u[i] >> np.int32(31))
        t = np.int32(np.int32(np.int32(size >> np.int32(11)) ^ sign) + np.int32(BITS // 2))
        by_bits[i] = t if size < np.int32(0x7F800000) else np.int32(BITS)
    for i in range(v.size):
        size = np.int32(u[i] & np.int32(0x7FFFFFFF))
        sign = np.int32(u[i] >> np.int32(31))
        t = np.int32(np.int32(np.int32(abs(v[i]) * scale) ^ sign) + np.int32(LINE // 2))
        by_line[i] = t if size < np.int32(0x7F800000) else np.int32(LINE)


@njit(inline="always")
def _cells64(v: Any, scale: Any, by_bits: Any, by_line: Any) -> Any:
    """Give each float64 its two cells, the same as a float32 of its value would get."""
    u = v.view(np.int64)
    for i in range(v.size):
        size = u[i] & np.int64(0x7FFFFFFFFFFFFFFF)
        sign = u[i] >> np.int64(63)
        t = (size >> np.int64(40)) - np.int64(896 << 12)
        t = t if t < np.int64(HUGE) else np.int64(HUGE)
        # Below the smallest normal float32 its cells are evenly wide: 2**138 of them to a unit.
        tiny = abs(v[i]) * 2.0**138
        tiny = tiny if tiny < 4096.0 else 4095.0
        even = np.int64(tiny)
        t = t if t >= np.int64(4096) else even
        t = (t ^ sign) + np.int64(BITS // 2)
        by_bits[i] = np.int32(t if size < np.int64(0x7FF0000000000000) else np.int64(BITS))
    for i in range(v.size):
        size = u[i] & np.int64(0x7FFFFFFFFFFFFFFF)
        sign = u[i] >> np.int64(63)
        t = (np.int64(abs(v[i]) * scale) ^ sign) + np.int64(LINE // 2)
        by_line[i] = np.int32(t if size < np.int64(0x7FF0000000000000) else np.int64(LINE))


@njit(inline="always")
def _extent32(v: Any) -> Any:
    """Give the smallest and largest key of the finite values, and how many there are."""
    u = v.view(np.int32)
    low, high, present = np.int32(0x7FFFFFFF), np.int32(-0x7FFFFFFF), np.int32(0)
    for i in range(v.size):
        size = np.int32(u[i] & np.int32(0x7FFFFFFF))
        sign = np.int32(u[i] >> np.int32(31))
        finite = size < np.int32(0x7F800000)
        key = np.int32(u[i] ^ np.int32(sign & np.int32(0x7FFFFFFF)))
        low = min(low, key if finite else np.int32(0x7FFFFFFF))
        high = max(high, key if finite else np.int32(-0x7FFFFFFF))
        present += np.int32(finite)
    return np.int64(low), np.int64(high), np.int64(present)


@njit(inline="always")
def _extent64(v: Any) -> Any:
    """Give the smallest and largest key of the finite values, and how many there are."""
    u = v.view(np.int64)
    low, high = np.int64(0x7FFFFFFFFFFFFFFF), np.int64(-0x7FFFFFFFFFFFFFFF)
    present = np.int64(0)
    for i in range(v.size):
        size = u[i] & np.int64(0x7FFFFFFFFFFFFFFF)
        sign = u[i] >> np.int64(63)
        finite = size < np.int64(0x7FF0000000000000)
        key = u[i] ^ (sign & np.int64(0x7FFFFFFFFFFFFFFF))
        low = min(low, key if finite else np.int64(0x7FFFFFFFFFFFFFFF))
        high = max(high, key if finite else np.int64(-0x7FFFFFFFFFFFFFFF))
        present += np.int64(finite)
    return low, high, present


@njit(inline="always")
def _largest32(low: Any, high: Any) -> Any:
    """Give the exponent E with every |v| < 2**E, for values between two keys."""
    size = max(high, ~low) if low <= high else np.int64(0)
    return (size >> np.int64(23)) - 126


@njit(inline="always")
def _largest64(low: Any, high: Any) -> Any:
    """Give the exponent E with every |v| < 2**E, for values between two keys."""
    size = max(high, ~low) if low <= high else np.int64(0)
    return (size >> np.int64(52)) - 1022


@njit(inline="always")
def _deposit(total: Any, exponent: Any, amount: Any) -> Any:
    """Add amount * 2**exponent, in two halves so that neither overflows for 2**31 additions."""
    total[exponent + BIAS, 0] += amount & np.int64(0xFFFFFFFF)
    total[exponent + BIAS, 1] += amount >> np.int64(32)


@njit(cache=True, nogil=True)
def _deposit_each(v: Any, total: Any) -> Any:
    """Add values one by one: the way out when a block spans too many magnitudes."""
    for i in range(v.size):
        x = np.float64(v[i])
        if np.isfinite(x) and x != 0.0:
            mantissa, exponent = math.frexp(x)
            _deposit(total, exponent - 53, np.int64(mantissa * 2.0**53))


@njit(inline="always")
def _add_up32(v: Any, largest: Any, total: Any) -> Any:
    """Add a block of float32 to the accumulator, exactly.

    In units of 2**(largest - 50) every value is an integer, unless the block spans more than 2**27.
    """
    scale = _power(50 - largest)
    whole, lost = np.int64(0), np.int64(0)
    for i in range(v.size):
        t = np.float64(v[i]) * scale
        t = t if abs(t) < 2.0**51 else 0.0  # not finite: not added
        near = np.int64(t)
        whole += near
        lost |= np.int64(np.float64(near) != t)
    if lost:
        _deposit_each(v, total)
    else:
        _deposit(total, largest - 50, whole)


@njit(inline="always")
def _add_up64(v: Any, largest: Any, total: Any) -> Any:
    """Add a block of float64 to the accumulator, exactly.

    In units of 2**(largest - 50) every value is an integer plus a rest, and that rest is an integer
    in units 2**-50 smaller, unless the block spans more than 2**47.
    """
    if largest < -900 or largest > 1000:
        _deposit_each(v, total)
        return
    scale = _power(50 - largest)
    whole, rest, lost = np.int64(0), np.int64(0), np.int64(0)
    for i in range(v.size):
        t = v[i] * scale
        t = t if abs(t) < 2.0**51 else 0.0  # not finite: not added
        near = np.int64(t)
        low = (t - np.float64(near)) * 2.0**50
        far = np.int64(low)
        whole += near
        rest += far
        lost |= np.int64(np.float64(far) != low)
    if lost:
        _deposit_each(v, total)
    else:
        _deposit(total, largest - 50, whole)
        _deposit(total, largest - 100, rest)


@njit(cache=True, nogil=True)
def coarsen(line: Any, by: Any) -> Any:
    """Merge 2**by neighbouring cells into one, away from the middle, in place."""
    middle = LINE // 2
    by = min(by, np.int64(40))  # more is the same, and no machine shifts by more than 63
    for t in range(middle):
        above, below = line[middle + t], line[middle - 1 - t]
        line[middle + t] = 0
        line[middle - 1 - t] = 0
        line[middle + (t >> by)] += above
        line[middle - 1 - (t >> by)] += below


@njit(inline="always")
def _admit(x: Any, keep: Any, low: Any, high: Any, zero: Any, v: Any) -> Any:
    """Copy the values that training admits, NaN for the others, and zero without a sign."""
    if keep.size:
        for i in range(x.size):
            v[i] = x[i] + zero if keep[i] & (x[i] > low) & (x[i] < high) else zero / zero
    else:
        for i in range(x.size):
            v[i] = x[i] + zero if (x[i] > low) & (x[i] < high) else zero / zero


@njit(cache=True, nogil=True, error_model="numpy")
def admit(x: Any, keep: Any, low: Any, high: Any, out: Any) -> Any:
    """Copy `x` with NaN for what training leaves out: unkept rows, values outside (low, high)."""
    _admit(x, keep, low, high, out.dtype.type(0), out)


@njit(cache=True, nogil=True)
def count32(x: Any, width: Any, bits: Any, line: Any, total: Any, seen: Any) -> Any:
    """Count float32 values in both tables, add them up, keep (n, smallest, largest key).

    Returns the width of the cells by value: it grows when a value needs it.
    """
    by_bits, by_line = np.empty(BLOCK, np.int32), np.empty(BLOCK, np.int32)
    block = np.empty(BLOCK, np.float32)
    for at in range(0, x.size, BLOCK):
        v = block[: min(BLOCK, x.size - at)]
        for i in range(v.size):
            v[i] = x[at + i] + np.float32(0)  # minus zero becomes zero
        low, high, present = _extent32(v)
        largest = _largest32(low, high)
        if largest - MAGNITUDES > width:
            coarsen(line, largest - MAGNITUDES - width)
            width = largest - MAGNITUDES
        _cells32(v, np.float32(_power(-width)), by_bits, by_line)
        for i in range(v.size):
            bits[by_bits[i]] += 1
            line[by_line[i]] += 1
        _add_up32(v, largest, total)
        seen[0] += present
        seen[1] = min(seen[1], low)
        seen[2] = max(seen[2], high)
    return width


@njit(cache=True, nogil=True)
def count64(x: Any, width: Any, bits: Any, line: Any, total: Any, seen: Any) -> Any:
    """Count float64 values in both tables, add them up, keep (n, smallest, largest key).

    Returns the width of the cells by value: it grows when a value needs it.
    """
    by_bits, by_line = np.empty(BLOCK, np.int32), np.empty(BLOCK, np.int32)
    block = np.empty(BLOCK, np.float64)
    for at in range(0, x.size, BLOCK):
        v = block[: min(BLOCK, x.size - at)]
        for i in range(v.size):
            v[i] = x[at + i] + 0.0  # minus zero becomes zero
        low, high, present = _extent64(v)
        largest = _largest64(low, high)
        if largest - MAGNITUDES > width:
            coarsen(line, largest - MAGNITUDES - width)
            width = largest - MAGNITUDES
        _cells64(v, _power(-width), by_bits, by_line)
        for i in range(v.size):
            bits[by_bits[i]] += 1
            line[by_line[i]] += 1
        _add_up64(v, largest, total)
        seen[0] += present
        seen[1] = min(seen[1], low)
        seen[2] = max(seen[2], high)
    return width


@njit(cache=True, nogil=True)
def add_up(x: Any, total: Any) -> Any:
    """Add the finite values to the accumulator, exactly; return how many there are."""
    n = 0
    for i in range(x.size):
        value = np.float64(x[i])
        if np.isfinite(value):
            n += 1
            if value != 0.0:
                mantissa, exponent = math.frexp(value)
                _deposit(total, exponent - 53, np.int64(mantissa * 2.0**53))
    return n


@njit(cache=True, nogil=True)
def add_up_counted(x: Any, counts: Any, total: Any) -> Any:
    """Add finite values to the accumulator, each as often as it came, exactly."""
    for i in range(x.size):
        mantissa, exponent = math.frexp(x[i])
        whole = np.int64(mantissa * 2.0**53)
        # In two parts of which neither overflows for counts below 2**36.
        _deposit(total, exponent - 53, (whole & np.int64(0x7FFFFFF)) * counts[i])
        _deposit(total, exponent - 26, (whole >> np.int64(27)) * counts[i])


@njit(cache=True, nogil=True)
def pour_values(x: Any, counts: Any, width: Any, bits: Any, line: Any) -> Any:
    """Count float64 values in both tables, each as often as it came."""
    by_bits, by_line = np.empty(x.size, np.int32), np.empty(x.size, np.int32)
    _cells64(x, _power(-width), by_bits, by_line)
    for i in range(x.size):
        bits[by_bits[i]] += counts[i]
        line[by_line[i]] += counts[i]


@njit(cache=True, nogil=True)
def pour(source: Any, target: Any) -> Any:
    """Add the counts of one table to another, touching only what is not zero."""
    for i in range(source.size):
        if source[i]:
            target[i] += source[i]


@njit(cache=True, nogil=True, error_model="numpy")
def add_offsets(x: Any, tokens: Any, low: Any, scale: Any, offsets: Any, counts: Any) -> Any:
    """Add up each value's place in its bin in fixed point, so that any order gives the same."""
    for i in range(x.size):
        bin_ = tokens[i]
        if bin_ < counts.size:
            offsets[bin_] += np.int64((x[i] - low[bin_]) * scale[bin_])
            counts[bin_] += 1
