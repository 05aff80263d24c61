"""Telling the values inside intervals from the others, by the tables that encode."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenry_scalar._floats import Floats, ceil32
from tokenry_scalar.binning import Bins, Grid
from tokenry_scalar.search import _kernels
from tokenry_scalar.search._intervals import Intervals


class Locator:
    """Gives each value an odd number when it lies inside an interval, an even one when not."""

    def __init__(self, intervals: Intervals) -> None:
        inner = intervals.boundaries()
        self._edges = np.concatenate([[-np.inf], inner, [np.inf]])
        self._grids: dict[Any, Grid] = {}

    def __call__(self, values: Floats) -> NDArray[np.uint16]:
        """Give the numbers."""
        dtype = values.dtype
        if dtype not in self._grids:
            bins = Bins(self._edges, missing=len(self._edges))  # always even
            self._grids[dtype] = Grid([bins], dtype.type)
        return self._grids[dtype].encode_column(values)

    def __getstate__(self) -> dict[str, Any]:
        return {"_edges": self._edges, "_grids": {}}  # cheaper to make than to send


class Sieve:
    """Keeps the values that lie inside intervals."""

    def __init__(self, intervals: Intervals) -> None:
        self._boundaries = intervals.boundaries()
        self._grids: dict[Any, Grid] = {}

    def __call__(self, values: Floats) -> Floats:
        """Give the values inside, in their order."""
        grid = self._grid(values.dtype)
        out = np.empty(len(values), values.dtype)
        wide = values.dtype == np.float64
        keep = _kernels.keep_inside64 if wide else _kernels.keep_inside32
        mode, steps = grid.table[0, :2]
        tables = (grid.form[0], grid.key[0], grid.start, grid.edges)
        kept = keep(values, mode, steps, *tables, out)
        return out[:kept].copy()

    def _grid(self, dtype: Any) -> Grid:
        if dtype not in self._grids:
            at = ceil32(self._boundaries) if dtype == np.float32 else self._boundaries
            # Where one interval ends as the next begins, neither boundary is needed.
            at, times = np.unique(at.astype(np.float64), return_counts=True)
            at = at[times % 2 == 1]
            bins = Bins(np.concatenate([[-np.inf], at, [np.inf]]), missing=len(at) + 1)
            self._grids[dtype] = Grid([bins], dtype.type)
        return self._grids[dtype]

    def __getstate__(self) -> dict[str, Any]:
        return {"_boundaries": self._boundaries, "_grids": {}}
