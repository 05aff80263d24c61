"""What training leaves behind: edges, means and numbers of every column, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tokenry_scalar._config import ScalarConfig
from tokenry_scalar._edges import midpoints
from tokenry_scalar._names import State, names_of, pack_names
from tokenry_scalar.binning import Bins, bin_values

if TYPE_CHECKING:
    from tokenry_scalar.training import Column


def state_of(columns: Sequence[Column], n_bins: int, decode: str) -> dict[str, NDArray[Any]]:
    """Give the arrays of an artifact; a column's edges are padded with NaN where it has fewer."""
    edges = np.full((len(columns), n_bins + 1), np.nan)
    bin_means = np.full((len(columns), n_bins), np.nan)
    bins = np.zeros(len(columns), np.int64)
    for i, column in enumerate(columns):
        if column.edges is not None:
            bins[i] = len(column.edges) - 1
            edges[i, : bins[i] + 1] = column.edges
        if column.bin_means is not None:
            bin_means[i, : bins[i]] = column.bin_means
    state = {
        "scalar_cols": pack_names([column.name for column in columns]),
        "edges": edges,
        "bins": bins,
        "means": np.array([column.mean for column in columns]),
        "values": np.array([column.n for column in columns], np.int64),
        "unreachable": np.array([column.unreachable for column in columns], np.int64),
        "rank_error": np.array([column.rank_error for column in columns]),
    }
    return state | ({"bin_means": bin_means} if decode == "mean" else {})


@dataclass(frozen=True)
class TrainedColumn:
    """One column's name and bins, and the values that its tokens stand for."""

    name: str
    bins: Bins
    values: NDArray[np.float64]


def trained_columns(state: State, config: ScalarConfig) -> list[TrainedColumn]:
    """Give what encoding and decoding need of each column."""
    return [_column(i, name, state, config) for i, name in enumerate(names_of(state))]


def _column(i: int, name: str, state: State, config: ScalarConfig) -> TrainedColumn:
    count = int(state["bins"][i])
    edges = state["edges"][i, : count + 1 if count else 0]
    limits = config.clipped_range(name)
    missing = config.n_bins
    if config.missing == "mean" and count and np.isfinite(state["means"][i]):
        missing = int(bin_values(state["means"][i : i + 1], edges, missing, limits)[0])
    values = np.full(config.n_bins + 1, np.nan)
    if count:
        kept = state["bin_means"][i, :count] if "bin_means" in state else midpoints(edges)
        values[:count] = kept
    return TrainedColumn(name, Bins(edges, missing, limits), values)
