"""Encoding: from values and edges to bins."""

from tokenry_scalar.binning._grid import Bins, Grid
from tokenry_scalar.binning._reference import bin_values

__all__ = ["Bins", "Grid", "bin_values"]
