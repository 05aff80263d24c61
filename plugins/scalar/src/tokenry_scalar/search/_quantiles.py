"""From ranks to quantiles, to the bit as np.quantile(method="linear") gives them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class QuantileRanks:
    """The two ranks around each of the n_bins + 1 quantiles of n values, and the way between."""

    previous: NDArray[np.int64]
    following: NDArray[np.int64]
    weight: NDArray[np.float64]

    @classmethod
    def of(cls, n: int, n_bins: int) -> QuantileRanks:
        """Give the ranks of the quantiles 0, 1 / n_bins, ... 1 of n values."""
        place = (n - 1) * np.linspace(0, 1, n_bins + 1)
        previous = np.floor(place)
        ranks = previous.astype(np.int64)
        return cls(ranks, np.minimum(ranks + 1, n - 1), place - previous)

    @property
    def wanted(self) -> NDArray[np.int64]:
        """All ranks whose values are needed, ascending."""
        return np.unique(np.concatenate([self.previous, self.following]))

    def quantiles(
        self, ranks: NDArray[np.int64], values: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Give the quantiles, where the value of each of the ascending ranks is known.

        >>> wanted = QuantileRanks.of(4, 2)
        >>> wanted.quantiles(np.arange(4), np.array([1.0, 2.0, 4.0, 8.0])).tolist()
        [1.0, 3.0, 8.0]
        """
        a = values[np.searchsorted(ranks, self.previous)]
        b = values[np.searchsorted(ranks, self.following)]
        t = self.weight
        with np.errstate(over="ignore", invalid="ignore"):
            step = b - a
            found = np.where(t >= 0.5, b - step * (1 - t), a + step * t)
        # Two values further apart than the largest float: NumPy gives infinity there.
        return np.where(np.isfinite(step), found, a * (1 - t) + b * t)
