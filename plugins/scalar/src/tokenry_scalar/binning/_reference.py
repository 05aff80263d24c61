"""The definition of a scalar token in plain NumPy; the kernels are tested against it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def bin_values(
    values: NDArray[np.floating],
    edges: NDArray[np.float64],
    missing: int,
    limits: tuple[float, float] = (-np.inf, np.inf),
) -> NDArray[np.int64]:
    """Give the bin of each value among `edges`; NaN and infinities get `missing`.

    >>> edges = np.array([0.0, 1.0, 2.0, 4.0])
    >>> bin_values(np.array([-1.0, 0.0, 1.0, 3.9, 9.0, np.nan]), edges, missing=3).tolist()
    [0, 0, 1, 2, 2, 3]
    """
    exact = np.clip(values.astype(np.float64), *limits)
    bins = np.searchsorted(edges, exact, side="right") - 1
    return np.where(np.isfinite(values), np.clip(bins, 0, len(edges) - 2), missing)
