"""One column on its way from values to edges: which pass comes next, and what it has found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenry_scalar._config import ScalarConfig
from tokenry_scalar._edges import (
    FLOAT32,
    FLOAT64,
    INTEGER,
    inside,
    merged,
    midpoints,
    separated,
    unreachable,
)
from tokenry_scalar.counting import Counts
from tokenry_scalar.search._one_pass import snapped
from tokenry_scalar.search._quantiles import QuantileRanks
from tokenry_scalar.search._search import Inside, Partial, Parts, RankSearch
from tokenry_scalar.training._bin_means import BinTotals
from tokenry_scalar.training._sample import Sample

TOLERANCE = 0.05  # of a bin, for the one-pass estimator


@dataclass
class Column:
    """What training has found of one column so far."""

    name: str
    lattice: int = FLOAT64
    n: int = 0
    mean: float = float("nan")
    rank_error: float = 0.0
    quantiles: NDArray[np.float64] | None = None
    edges: NDArray[np.float64] | None = None
    bin_means: NDArray[np.float64] | None = None
    search: RankSearch | None = None
    ranks: QuantileRanks | None = None
    counted: bool = False
    done: bool = False

    @property
    def memory(self) -> int:
        """Bytes that the column's share of the next pass takes at most, where it varies."""
        return 0 if self.search is None else self.search.memory

    @property
    def unreachable(self) -> int:
        """How many bins nothing can fall into."""
        if self.quantiles is None or self.edges is None:
            return 0
        return unreachable(self.quantiles, self.edges, self.lattice)

    def start(self, config: ScalarConfig) -> Partial:
        """Give the empty state of the column's next pass."""
        if self.search is not None:
            return self.search.start()
        if self.edges is not None:
            return BinTotals(self.edges)
        if config.estimator == "reservoir":
            return Sample(config.max_values_per_col, config.max_values_per_file_per_col)
        return Counts()

    def finish(self, seen: Any, integer: bool, config: ScalarConfig) -> None:
        """Learn from a pass; `integer` says whether the column holds whole numbers only."""
        if integer:
            self.lattice = INTEGER
        if isinstance(seen, Counts):
            self._counted(seen, config)
        elif isinstance(seen, Inside | Parts):
            assert self.search is not None
            self.search.narrow(seen)
            self._searched(config)
        elif isinstance(seen, Sample):
            self._take_note(seen)
            if self.n >= config.min_values:
                self.rank_error = seen.rank_error(config.n_bins)
                self._set_quantiles(seen.quantiles(config.n_bins), config)
        elif isinstance(seen, BinTotals):
            assert self.edges is not None
            self.bin_means = inside(seen.means(midpoints(self.edges)), self.edges)
        self.done = self.search is None and not self._wants_means(config)

    def _wants_means(self, config: ScalarConfig) -> bool:
        return config.decode == "mean" and self.edges is not None and self.bin_means is None

    def _take_note(self, seen: Counts | Sample) -> None:
        self.n, self.mean = seen.n, seen.mean
        if self.lattice == FLOAT64 and seen.float32:
            self.lattice = FLOAT32

    def _counted(self, seen: Counts, config: ScalarConfig) -> None:
        self._take_note(seen)
        if self.n < config.min_values:
            return
        if config.estimator == "one-pass" and seen.tables is not None:
            found, error = snapped(seen.tables, config.n_bins)
            if error <= TOLERANCE:
                self.rank_error = error
                self._set_quantiles(found, config)
                return
        self.ranks = QuantileRanks.of(self.n, config.n_bins)
        self.search = RankSearch(seen, self.ranks.wanted)
        self._searched(config)

    def _searched(self, config: ScalarConfig) -> None:
        if self.search is not None and self.ranks is not None and self.search.done:
            found = self.ranks.quantiles(self.search.ranks, self.search.values)
            self.search = self.ranks = None
            self._set_quantiles(found, config)

    def _set_quantiles(self, found: NDArray[np.float64], config: ScalarConfig) -> None:
        self.quantiles = found
        together = config.ties == "merge"
        self.edges = merged(found, self.lattice) if together else separated(found)
