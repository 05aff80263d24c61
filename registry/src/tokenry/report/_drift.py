"""Drift: how far the data is from what the tokenizer was trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tokenry_core import Array

__all__ = ["DRIFTED", "stability"]

DRIFTED = 0.2
"""A population stability index above this is flagged, as is the custom for it."""

_GROUPS = 20


def stability(reference: Sequence[int] | Array, now: Sequence[int] | Array) -> float:
    """Give the population stability index of two histograms of ids; the last id is missing.

    PSI = sum over groups of (q - p) log(q / p), with p and q the shares before and now.
    Neighbouring ids are joined to twenty groups of about equal share before: with a thousand
    groups, chance alone would look like drift. Half a count is added to each group, so that none
    is empty.

    >>> round(stability([50, 50, 0], [50, 50, 0]), 3)
    0.0
    >>> stability([50, 50, 0], [5, 95, 0]) > DRIFTED
    True
    """
    before, after = np.asarray(reference, float), np.asarray(now, float)
    codes = before[:-1]
    place = np.cumsum(codes) - codes / 2
    group = np.minimum((place * _GROUPS / max(codes.sum(), 1)).astype(int), _GROUPS - 1)
    groups = np.append(group, _GROUPS)  # missing values are a group of their own
    p: Array
    q: Array
    p, q = (np.bincount(groups, counts, _GROUPS + 1) for counts in (before, after))
    kept = (p > 0) | (q > 0)
    p, q = (_shares(counts[kept] + 0.5) for counts in (p, q))
    return float(((q - p) * np.log(q / p)).sum())


def _shares(counts: Array) -> Array:
    return np.asarray(counts / counts.sum())
