"""A few thousand distinct values, and how often each came."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenry_scalar._floats import Floats
from tokenry_scalar.few import _kernels


class Few:
    """Values with their counts, as long as there are at most `FEW` of them."""

    def __init__(self) -> None:
        self._keys = np.full(_kernels.PLACES + 1, _kernels.FREE, np.int64)
        self._counts = np.zeros((_kernels.PLACES + 1, 4), np.int64)
        self._used = np.zeros(1, np.int64)

    def add(self, values: Floats) -> int:
        """Count values up to the one that is too much; give how many were counted."""
        return int(_kernels.count_few(values, self._keys, self._counts, self._used))

    def merge(self, other: Few) -> bool:
        """Add another's counts, unless that makes too many values; say whether it did."""
        mine, (theirs, counts) = self._keys[self._taken], other._held()
        if len(np.union1d(mine, theirs)) > _kernels.FEW:
            return False
        _kernels.pour_few(theirs, counts, self._keys, self._counts, self._used)
        return True

    @property
    def n(self) -> int:
        """How many values there are."""
        return int(self._held()[1].sum())

    def _held(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return self._keys[self._taken], self._counts[self._taken].sum(axis=1)

    @property
    def _taken(self) -> NDArray[np.bool_]:
        taken: NDArray[np.bool_] = self._keys != _kernels.FREE
        return taken

    def ascending(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Give the values in order, and their counts."""
        keys, counts = self._held()
        values = keys.view(np.float64)
        order = np.argsort(values)
        return values[order], counts[order]

    def __getstate__(self) -> dict[str, Any]:
        keys, counts = self._held()
        return {"keys": keys, "counts": counts}

    def __setstate__(self, state: dict[str, Any]) -> None:
        Few.__init__(self)
        _kernels.pour_few(state["keys"], state["counts"], self._keys, self._counts, self._used)
