"""Encoding a batch of columns: float32 and float64 columns by their own tables, rows in threads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenry_scalar._floats import Floats
from tokenry_scalar._threads import run_all
from tokenry_scalar.binning import Bins, Grid

_SHARE = 16_384  # rows that are worth a thread
_BLOCK = 2_048


class Encoder:
    """Tokens of columns whose bins are known; tables are made for the types that come."""

    def __init__(self, bins: Sequence[Bins]) -> None:
        self._bins = tuple(bins)
        self._grids: dict[tuple[Any, tuple[int, ...]], Grid] = {}

    def __call__(
        self, columns: Sequence[Floats], threads: int
    ) -> tuple[NDArray[np.uint16], NDArray[np.int64]]:
        """Give the tokens of all rows, and how many values of each column miss or are clipped."""
        tokens = np.empty((len(columns[0]), len(columns)), np.uint16)
        counts = np.zeros((len(columns), 2), np.int64)
        for dtype in (np.float32, np.float64):
            members = [i for i, column in enumerate(columns) if column.dtype == dtype]
            if members:
                chosen = [columns[i] for i in members]
                grid = self._grid(dtype, tuple(members))
                counts[members] = _encode(grid, chosen, np.array(members), tokens, threads)
        for i, bins in enumerate(self._bins):
            if not bins.trained:
                counts[i] = len(tokens), 0
        return tokens, counts

    def _grid(self, dtype: Any, members: tuple[int, ...]) -> Grid:
        key = (dtype, members)
        if key not in self._grids:
            self._grids[key] = Grid([self._bins[i] for i in members], dtype)
        return self._grids[key]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_grids": {}}  # cheaper to make than to send


def _encode(
    grid: Grid,
    columns: Sequence[Floats],
    target: NDArray[np.int64],
    out: NDArray[np.uint16],
    threads: int,
) -> NDArray[np.int64]:
    # The kernel reads at these addresses: `columns` keeps what lies there alive.
    addresses = np.array([column.ctypes.data for column in columns], np.int64)

    def one(rows: tuple[int, int]) -> NDArray[np.int64]:
        return grid.encode(addresses, rows, target, out)

    parts = run_all(one, _shares(len(out), threads), threads)
    return np.sum(parts, axis=0) if parts else np.zeros((len(columns), 2), np.int64)


def _shares(rows: int, threads: int) -> list[tuple[int, int]]:
    """Divide rows evenly, in whole blocks."""
    pieces = max(1, min(threads, rows // _SHARE))
    step = -(-rows // pieces // _BLOCK) * _BLOCK
    return [(start, min(rows, start + step)) for start in range(0, rows, step or 1)]
