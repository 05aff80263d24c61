"""Draw: the sets that a step embeds, and the pairs among them that it scores."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tokenry_core import Array

__all__ = ["Draw", "padded"]


class Draw(NamedTuple):
    """Sets of image rows, the number of each set's individual, and the pairs to score.

    Pair k is of the sets `left[k]` and `right[k]`; `same[k]` says whether they show one
    individual.
    """

    sets: list[Array]
    labels: Array
    left: Array
    right: Array
    same: Array


def padded(sets: list[Array]) -> tuple[Array, Array]:
    """Give sets of different sizes as one array of rows, and the mask of what is real.

    >>> rows, mask = padded([np.array([4]), np.array([7, 9])])
    >>> rows.tolist(), mask.tolist()
    ([[4, 4], [7, 9]], [[True, False], [True, True]])
    """
    sizes = np.array([len(one) for one in sets])
    mask = np.arange(sizes.max()) < sizes[:, None]
    rows = np.repeat([one[0] for one in sets], sizes.max()).reshape(mask.shape)
    rows[mask] = np.concatenate(sets)
    return rows, mask
