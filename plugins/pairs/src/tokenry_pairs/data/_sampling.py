"""One pair of image sets, as a pure function of seed, epoch and index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np

from tokenry_core import Array
from tokenry_core.errors import ConfigError, DataError, nearest

__all__ = ["Pair", "PairRule", "is_positive", "sample_pair", "set_sizes"]

SINGLES = ("negative", "repeat")


class Pair(NamedTuple):
    """Row numbers of the two sets; label 1 says that both show the same individual."""

    a: Array
    b: Array
    label: int


@dataclass(frozen=True, eq=False)
class PairRule:
    """What pairs are drawn from, and how; making one refuses what cannot be had.

    `groups` are the row numbers of each individual. A set has `images_per_set` images, or, given
    a pair of numbers, any number of images between them. Of `positive_ratio` of the pairs, both
    sets show one individual. An individual with a single image is in negative pairs only, unless
    `singles` is "repeat": then it can be both sets of a positive pair, which teaches something
    where the transform is random.

    Sets of one pair never share an image, but for that case. Where an individual has fewer images
    than both sets need, they are divided between the sets, and a set then repeats its images; a
    range of sizes avoids repeating where it allows.
    """

    groups: tuple[Array, ...]
    images_per_set: int | tuple[int, int] = 3
    positive_ratio: float = 0.5
    singles: Literal["negative", "repeat"] = "negative"

    def __post_init__(self) -> None:
        set_sizes(self.images_per_set)
        if not 0 <= self.positive_ratio <= 1:
            raise ConfigError(
                f"positive_ratio: {self.positive_ratio} was given; allowed is 0 to 1, the share of"
                " pairs of the same individual"
            )
        if self.singles not in SINGLES:
            raise ConfigError(
                f'singles: "{self.singles}" was given; allowed are {", ".join(SINGLES)}.'
                f"{nearest(self.singles, SINGLES)}"
            )
        if self.positive_ratio < 1 and len(self.groups) < 2:
            raise DataError(
                f"there is {len(self.groups)} label; pairs of different individuals need at least"
                " two: give more labels, or positive_ratio=1"
            )
        if self.positive_ratio > 0 and not self.paired:
            raise DataError(
                f"none of {len(self.groups)} labels has two images; pairs of the same individual"
                ' need one: give more images, positive_ratio=0, or singles="repeat"'
            )

    @classmethod
    def of(cls, groups: Mapping[Any, Sequence[int]], *more: Any, **options: Any) -> PairRule:
        """Give the rule for the rows of each label, as `group_rows` makes them."""
        rows = tuple(np.asarray(one, np.int64) for one in groups.values())
        return cls(rows, *more, **options)

    @cached_property
    def paired(self) -> list[int]:
        """The individuals that can be both sets of a pair."""
        least = 1 if self.singles == "repeat" else 2
        return [number for number, rows in enumerate(self.groups) if len(rows) >= least]


def sample_pair(seed: int, epoch: int, index: int, rule: PairRule) -> Pair:
    """Give pair `index` of an epoch: the same in any worker and in any order.

    >>> rule = PairRule((np.arange(6), np.arange(6, 9)), images_per_set=2)
    >>> a, b, label = sample_pair(0, 0, 1, rule)
    >>> label, a.tolist(), b.tolist()
    (1, [6, 8], [7, 7])
    """
    rng = np.random.default_rng([seed, epoch, index])
    low, high = set_sizes(rule.images_per_set)
    sizes = rng.integers(low, high + 1, 2)
    if is_positive(index, rule.positive_ratio):
        number = rule.paired[int(rng.integers(len(rule.paired)))]
        parts = _divided(_some(rng, rule.groups[number], sizes.sum()), int(sizes[0]), int(sizes[1]))
    else:
        numbers = rng.choice(len(rule.groups), 2, replace=False)
        parts = tuple(_some(rng, rule.groups[n], s) for n, s in zip(numbers, sizes, strict=True))
    a, b = (_filled(part, int(size), low) for part, size in zip(parts, sizes, strict=True))
    return Pair(a, b, int(is_positive(index, rule.positive_ratio)))


def is_positive(index: int, ratio: float) -> bool:
    """Whether a pair is one of the same individual: of the first n pairs, n * ratio are.

    >>> [int(is_positive(index, 0.25)) for index in range(8)]
    [0, 0, 0, 1, 0, 0, 0, 1]
    """
    slack = 1e-9  # 0.29 * 100 is a little less than 29
    return int((index + 1) * ratio + slack) > int(index * ratio + slack)


def set_sizes(images_per_set: int | tuple[int, int]) -> tuple[int, int]:
    """Give the smallest and the largest size of a set."""
    given: Any = images_per_set
    sizes = tuple(given) if isinstance(given, Sequence) else (given, given)
    whole = all(isinstance(n, int | np.integer) and not isinstance(n, bool) for n in sizes)
    if len(sizes) != 2 or not whole or not 1 <= sizes[0] <= sizes[1]:
        raise ConfigError(
            f"images_per_set: {given!r} was given; allowed is a number from 1, or the smallest and"
            " the largest, such as (1, 5)"
        )
    return int(sizes[0]), int(sizes[1])


def _some(rng: np.random.Generator, rows: Array, count: int) -> Array:
    return rng.choice(rows, min(len(rows), int(count)), replace=False)


def _divided(rows: Array, a: int, b: int) -> tuple[Array, ...]:
    """Divide an individual's images between two sets, in proportion where they do not suffice."""
    if len(rows) == 1:
        return rows, rows
    if len(rows) >= a + b:
        return rows[:a], rows[a:]
    cut = min(max(round(len(rows) * a / (a + b)), 1), len(rows) - 1)
    return rows[:cut], rows[cut:]


def _filled(rows: Array, size: int, least: int) -> Array:
    return np.resize(rows, max(least, min(size, len(rows))))
