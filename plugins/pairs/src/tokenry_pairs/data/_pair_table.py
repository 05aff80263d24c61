"""Pairs of image sets as lists of paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tokenry_core.errors import ConfigError

from ._labels import group_rows
from ._sampling import PairRule, sample_pair

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["create_pair_dataset_from_labeled_df", "sample_negative_pair", "sample_positive_pair"]


def sample_positive_pair(
    df: pd.DataFrame, images_per_set: int | tuple[int, int], *, seed: int | None = None
) -> tuple[list[str], list[str], int]:
    """Give two sets of images of one individual, and 1; without a seed, others each time.

    >>> import pandas as pd
    >>> df = pd.DataFrame({"x": ["a.jpg", "b.jpg", "c.jpg"], "y": ["rex", "rex", "ada"]})
    >>> sample_positive_pair(df, 1, seed=0)
    (['a.jpg'], ['b.jpg'], 1)
    """
    return _sampled(df, images_per_set, 1.0, seed)


def sample_negative_pair(
    df: pd.DataFrame, images_per_set: int | tuple[int, int], *, seed: int | None = None
) -> tuple[list[str], list[str], int]:
    """Give sets of images of two individuals, and 0; without a seed, others each time."""
    return _sampled(df, images_per_set, 0.0, seed)


def create_pair_dataset_from_labeled_df(
    df: pd.DataFrame,
    num_pairs: int,
    images_per_set: int | tuple[int, int] = 3,
    positive_ratio: float = 0.5,
    seed: int = 42,
) -> pd.DataFrame:
    """Give a table of pairs: `set_a` and `set_b` are lists of paths, `label` is 1 or 0.

    The pairs are those of `PairSamplerDataset` with the same options, in its first epoch.
    """
    import pandas as pd

    for name, given in (("num_pairs", num_pairs), ("seed", seed)):
        if not isinstance(given, int) or given < 0:
            raise ConfigError(f"{name}: {given!r} was given; allowed is a number from 0")
    rule = PairRule.of(group_rows(df), images_per_set, positive_ratio)
    images = list(df["x"])
    pairs = [_named(images, sample_pair(seed, 0, index, rule)) for index in range(num_pairs)]
    return pd.DataFrame(pairs, columns=["set_a", "set_b", "label"])


def _sampled(
    df: pd.DataFrame, images_per_set: int | tuple[int, int], ratio: float, seed: int | None
) -> tuple[list[str], list[str], int]:
    rule = PairRule.of(group_rows(df), images_per_set, ratio)
    if seed is None:
        seed = int(np.random.SeedSequence().generate_state(1)[0])
    return _named(list(df["x"]), sample_pair(seed, 0, 0, rule))


def _named(images: list[Any], pair: Any) -> tuple[list[Any], list[Any], int]:
    return [images[row] for row in pair.a], [images[row] for row in pair.b], pair.label
