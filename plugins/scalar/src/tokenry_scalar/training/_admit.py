"""Which values training uses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tokenry_scalar._columns import read_only
from tokenry_scalar._floats import Floats
from tokenry_scalar.counting import _kernels

_EVERY = np.zeros(0, np.bool_)


def admitted(
    values: Floats, keep: NDArray[np.bool_] | None, between: tuple[float, float]
) -> Floats:
    """Give the values with NaN for rows that are not kept and values not strictly between.

    >>> admitted(read_only(np.array([1.0, 2.0, 3.0])), None, (1.0, 3.0)).tolist()
    [nan, 2.0, nan]
    """
    low, high = between
    if keep is None and np.isneginf(low) and np.isposinf(high):
        return values
    out = np.empty(len(values), values.dtype)
    _kernels.admit(values, _EVERY if keep is None else keep, low, high, out)
    return read_only(out)
