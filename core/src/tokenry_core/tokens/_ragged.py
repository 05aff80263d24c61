"""Rows of different lengths, stored one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from ..errors import ShapeError
from ._backend import DYNAMIC, Array, as_arrays, is_traced


@dataclass(frozen=True, eq=False)
class Ragged:
    """Rows of different lengths: row i is `values[indptr[i]:indptr[i + 1]]`.

    As a leaf of `Tokens.from_pytree` it becomes padded tokens, and its lengths become the padding
    mask. `size` pads to a fixed number, which keeps the structure equal from batch to batch; under
    `jit` it is needed.

    >>> rows = Ragged(np.array([1, 2, 3]), np.array([0, 2, 2, 3]))
    >>> rows.padded(pad_value=-1)
    array([[ 1,  2],
           [-1, -1],
           [ 3, -1]])
    >>> [row.tolist() for row in rows]
    [[1, 2], [], [3]]
    """

    values: Array
    indptr: Array
    size: int | None = None

    def __post_init__(self) -> None:
        if len(self.indptr.shape) != 1 or self.indptr.shape[0] < 1:
            raise ShapeError(f"indptr has shape {tuple(self.indptr.shape)}; it is (rows + 1,).")
        if is_traced(self.indptr):
            return
        indptr = np.asarray(self.indptr)
        if indptr[0] != 0 or indptr[-1] != len(self.values) or (np.diff(indptr) < 0).any():
            raise ShapeError(
                f"indptr must rise from 0 to the {len(self.values)} values; "
                f"it goes from {indptr[0]} to {indptr[-1]}."
            )

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.indptr.shape[0]) - 1

    @property
    def lengths(self) -> Array:
        """Number of values of each row."""
        return self.indptr[1:] - self.indptr[:-1]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape once padded: (rows, longest, ...)."""
        return (self.rows, self.longest, *self.values.shape[1:])

    @property
    def dtype(self) -> Any:
        """The dtype of the values."""
        return self.values.dtype

    @property
    def longest(self) -> int:
        """The number that rows are padded to: `size`, or the longest row's."""
        if is_traced(self.indptr):
            if self.size is None:
                raise ShapeError(f"{DYNAMIC} A Ragged needs size= here.")
            return self.size
        longest = int(np.diff(np.asarray(self.indptr)).max(initial=0))
        if self.size is not None and self.size < longest:
            raise ShapeError(f"A row has {longest} values, more than the size {self.size}.")
        return longest if self.size is None else self.size

    def padded(self, pad_value: float = 0.0) -> Array:
        """Give the rows as one array, (rows, longest, ...), short rows filled up."""
        xp, (values, indptr) = as_arrays([self.values, self.indptr])
        if xp is np:
            features = prod(values.shape[1:])
            out = np.full((self.rows, self.longest, features), pad_value, values.dtype)
            scatter_rows(values.reshape(len(values), 1, features), indptr, out, 0)
            return out.reshape(self.shape)
        if values.shape[0] == 0:
            return xp.full(self.shape, pad_value, dtype=values.dtype)
        _, (steps, indptr) = as_arrays([np.arange(self.longest), indptr])
        wanted = indptr[:-1, None] + steps
        inside = wanted < indptr[1:, None]
        taken = values[xp.where(inside, wanted, 0)]
        inside = inside.reshape(*inside.shape, *(1 for _ in values.shape[1:]))
        return xp.where(inside, taken, xp.asarray(pad_value, dtype=values.dtype))

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, row: int) -> Array:
        if not -self.rows <= row < self.rows:
            raise IndexError(f"Row {row} of {self.rows} rows.")
        row %= self.rows
        return self.values[int(self.indptr[row]) : int(self.indptr[row + 1])]


def scatter_rows(
    values: np.ndarray[Any, Any],
    indptr: np.ndarray[Any, Any],
    out: np.ndarray[Any, Any],
    first: int,
) -> None:
    """Write values, (total, tokens each, features), into tokens `first` and after of each row.

    `out`, (rows, n_tokens, width), is contiguous, so one flat index says where each token goes.
    """
    rows, n_tokens, width = out.shape
    total, inner, features = values.shape
    start = np.arange(rows) * n_tokens + first - indptr[:-1] * inner
    where = np.repeat(start, np.diff(indptr) * inner)
    where += np.arange(total * inner)
    flat = out.reshape(rows * n_tokens, width)
    tokens = np.ascontiguousarray(values.reshape(total * inner, features))
    if features == width > 1:  # a token as one item: three times as fast as row by row
        item = np.dtype((np.void, width * out.itemsize))
        np.put(flat.view(item)[:, 0], where, tokens.astype(out.dtype, copy=False).view(item)[:, 0])
    else:
        flat[where, :features] = tokens
