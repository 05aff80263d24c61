"""Means of the training values in each bin, the same in any order.

A value's place in its bin is added up in fixed point, 2**-32 of the bin's width: integers, so that
no order of addition matters, and exact to that fraction of a width.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenry_scalar._columns import read_only
from tokenry_scalar._floats import Floats
from tokenry_scalar.binning import Bins, Grid
from tokenry_scalar.counting import _kernels

_UNITS = 2.0**32


class BinTotals:
    """How many values fell into each bin, and where in it."""

    def __init__(self, edges: NDArray[np.float64]) -> None:
        self.edges = edges
        self.counts = np.zeros(len(edges) - 1, np.int64)
        self.offsets = np.zeros(len(edges) - 1, np.int64)
        self._grids: dict[Any, Grid] = {}

    def add(self, values: Floats, rows: Any = None) -> None:
        """Add up some values."""
        if values.dtype not in self._grids:
            bins = Bins(self.edges, missing=len(self.edges))
            self._grids[values.dtype] = Grid([bins], values.dtype.type)
        tokens = self._grids[values.dtype].encode_column(values)
        with np.errstate(over="ignore"):
            width = np.diff(self.edges)
            scale = np.where(np.isfinite(width), _UNITS / width, 0.0)
        scale[~np.isfinite(scale)] = 0.0
        low, scale = read_only(self.edges[:-1]), read_only(scale)
        _kernels.add_offsets(values, read_only(tokens), low, scale, self.offsets, self.counts)

    def merge(self, other: BinTotals) -> BinTotals:
        """Add another worker's totals."""
        self.counts += other.counts
        self.offsets += other.offsets
        return self

    def means(self, empty: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the mean of each bin, and of an empty one what is given."""
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            share = self.offsets / self.counts / _UNITS
            means = self.edges[:-1] + share * np.diff(self.edges)
        return np.where((self.counts > 0) & np.isfinite(means), means, empty)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_grids": {}}  # cheaper to make than to send
