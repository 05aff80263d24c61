"""Quantiles from the tables of one pass alone, and how far off in rank they can be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tokenry_scalar.counting._tables import Tables
from tokenry_scalar.search._intervals import Intervals, cells_by_bits, cells_by_value


def snapped(tables: Tables, n_bins: int) -> tuple[NDArray[np.float64], float]:
    """Give quantiles moved to borders of cells, where ranks are known, and the largest error.

    The error is in bins: |values below the edge - values wanted below it| * n_bins / n. It is
    exact, not an estimate: how many values lie below the border of a cell is counted.
    """
    places = (tables.n - 1) * np.linspace(0, 1, n_bins + 1)[1:-1]
    ranks = np.floor(places).astype(np.int64)
    tried = (cells(tables, ranks) for cells in (cells_by_bits, cells_by_value))
    edges, errors = min((_snap(cells, places, ranks) for cells in tried), key=_worst)
    found = np.concatenate([[tables.low], edges, [tables.high]])
    return found, float(errors.max(initial=0.0)) * n_bins / tables.n


def _worst(found: tuple[NDArray[np.float64], NDArray[np.float64]]) -> float:
    return float(found[1].max(initial=0.0))


def _snap(
    cells: Intervals, places: NDArray[np.float64], ranks: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    at = np.searchsorted(cells.below, ranks, side="right") - 1
    down = places - cells.below[at]
    up = cells.below[at] + cells.count[at] - places
    above = np.nextafter(cells.upper, np.inf)
    edges = np.where(down <= up, cells.lower[at], above[at])
    return edges, np.minimum(down, up)
