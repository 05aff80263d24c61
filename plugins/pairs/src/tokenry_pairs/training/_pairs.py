"""Which pairs a step scores, when each pair has sets of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..data._sampling import PairRule, sample_pair
from ._draw import Draw
from ._plan import TrainingPlan

__all__ = ["PairSampler"]


class PairSampler:
    """Draws the pairs that `PairSamplerDataset` gives, by the rows of their images.

    >>> sampler = PairSampler({"a": [0, 1, 2, 3], "b": [4, 5]}, TrainingPlan(images_per_set=2), 0)
    >>> draw = sampler.draw(epoch=0, step=0)
    >>> len(draw.sets), int(draw.same.sum())
    (64, 16)
    """

    def __init__(self, groups: Mapping[Any, Sequence[int]], plan: TrainingPlan, seed: int) -> None:
        self.rule = PairRule.of(groups, plan.images_per_set, plan.positive_ratio)
        self.size, self.seed = plan.batch_size, seed
        self.number = {row: number for number, rows in enumerate(groups.values()) for row in rows}

    def draw(self, epoch: int, step: int, most: int | None = None) -> Draw:
        """Give the pairs of a step; at most so many."""
        count = self.size if most is None else min(self.size, most)
        first = step * self.size
        pairs = [sample_pair(self.seed, epoch, first + k, self.rule) for k in range(count)]
        sets = [pair.a for pair in pairs] + [pair.b for pair in pairs]
        labels = np.array([self.number[int(rows[0])] for rows in sets])
        left = np.arange(count)
        return Draw(sets, labels, left, left + count, np.array([pair.label > 0 for pair in pairs]))

    def draws(self, count: int) -> Iterator[Draw]:
        """Give the first so many pairs of epoch 0."""
        for step, done in enumerate(range(0, count, self.size)):
            yield self.draw(0, step, count - done)
