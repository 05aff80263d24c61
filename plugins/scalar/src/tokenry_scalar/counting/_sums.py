"""Exact sums of floats, so that a mean does not depend on the order of its values.

The accumulator has one slot for every power of two: slot e holds a whole number of units 2**e,
in two int64 halves. Adding integers is associative; only the final division rounds.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from tokenry_scalar.counting._kernels import BIAS, SLOTS, add_up_counted


def new_sum() -> NDArray[np.int64]:
    """Give an accumulator that holds zero."""
    return np.zeros((SLOTS, 2), np.int64)


def exact_sum(accumulator: NDArray[np.int64]) -> Fraction:
    """Give the sum without any rounding."""
    total = 0
    for slot in np.flatnonzero(accumulator.any(axis=1)).tolist():
        low, high = accumulator[slot].tolist()
        total += ((high << 32) + low) << slot
    return Fraction(total, 1 << BIAS)


def mean_of(accumulator: NDArray[np.int64], count: int) -> float:
    """Give the mean, rounded once; NaN of nothing."""
    return float(exact_sum(accumulator) / count) if count else float("nan")


def mean_of_counted(values: NDArray[np.float64], counts: NDArray[np.int64]) -> float:
    """Give the mean of values that came several times each, rounded once."""
    total = new_sum()
    add_up_counted(values, counts, total)
    return mean_of(total, int(counts.sum()))
