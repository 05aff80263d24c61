"""Which image sets a step embeds, when all pairs among them are scored."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tokenry_core import Array

from ._draw import Draw

__all__ = ["SetSampler"]

PER_LABEL = 4  # two sets would do for a positive; four give six of them
Neighbours = Callable[[Array, int], Array]


class SetSampler:
    """Draws the sets of a step as a pure function of seed, epoch and step.

    Sets of one individual share no image: they are parts of one shuffle of its images. One with
    fewer than two full sets gives two smaller ones; one with a single image gives one set, which
    serves as a negative only. At least half of a step's individuals can give positives.

    >>> sampler = SetSampler({"a": range(6), "b": range(6, 13)}, sets=4, size=(3, 3), seed=0)
    >>> draw = sampler.draw(epoch=0, step=0)
    >>> [len(rows) for rows in draw.sets], draw.labels.tolist()
    ([3, 3, 3, 3], [0, 0, 1, 1])
    """

    def __init__(
        self, groups: Mapping[Any, Sequence[int]], *, sets: int, size: tuple[int, int], seed: int
    ) -> None:
        self.sets, self.size, self.seed = sets, size, seed
        self.rows = [np.asarray(rows, np.int64) for rows in groups.values()]
        many = np.array([len(rows) > 1 for rows in self.rows], bool)
        self.paired, self.single = np.flatnonzero(many), np.flatnonzero(~many)

    def draw(self, epoch: int, step: int, neighbours: Neighbours | None = None) -> Draw:
        """Give the sets of a step, and all pairs among them.

        `neighbours(labels, count)` names labels that are hard to tell from these: half of the
        step's individuals are then chosen by it.
        """
        rng = np.random.default_rng([self.seed, epoch, step])
        wanted = min(len(self.rows), max(2, self.sets // PER_LABEL))
        chosen = self._individuals(rng, wanted, neighbours)
        each = max(2, math.ceil(self.sets / len(chosen)))
        parts = [(number, part) for number in chosen for part in self._parts(rng, number, each)]
        labels = np.array([number for number, _ in parts])
        left, right = np.triu_indices(len(parts), 1)
        same = labels[left] == labels[right]
        return Draw([part for _, part in parts], labels, left, right, same)

    def _individuals(
        self, rng: np.random.Generator, wanted: int, neighbours: Neighbours | None
    ) -> Array:
        drawn = wanted if neighbours is None else max(1, wanted // 2)
        singles = min(drawn // 2, round(drawn * len(self.single) / len(self.rows)))
        paired = rng.permutation(self.paired)[: drawn - singles]
        chosen = np.concatenate([paired, rng.permutation(self.single)[: drawn - len(paired)]])
        if neighbours is not None:
            chosen = np.concatenate([chosen, neighbours(chosen, wanted - len(chosen))])
        return np.asarray(chosen)

    def _parts(self, rng: np.random.Generator, number: int, most: int) -> Iterator[Array]:
        """Give at most so many sets of one individual, which share no image."""
        rows = rng.permutation(self.rows[number])
        low, high = self.size
        at = 0
        for count in range(most):
            # Two smaller sets rather than no positive; from the third on, only full ones.
            room = max(1, len(rows) // 2) if count == 0 else len(rows) - at
            size = min(int(rng.integers(low, high + 1)), room)
            if size < (low if count > 1 else 1):
                return
            yield rows[at : at + size]
            at += size
