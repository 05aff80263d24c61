"""From logits to probabilities that come true, and to thresholds with a known error."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tokenry_core import Array
from tokenry_core.errors import ConfigError, DataError

from ._metrics import checked, probabilities

__all__ = ["fit_temperature", "threshold_at"]

COLDEST, HOTTEST = 0.02, 50.0
STEPS = 60  # of bisection: more than a double's digits


def fit_temperature(labels: Sequence[int] | Array, logits: Sequence[float] | Array) -> float:
    """Give the temperature by which logits are divided, so that probabilities come true.

    It minimises the cross-entropy of validation pairs (Guo et al., 2017), which is convex in
    1 / temperature, so that its slope has one root. Where the pairs are told apart without an
    error, more and more certainty would always fit better; so the targets are those of Platt
    (1999), (n1 + 1) / (n1 + 2) and 1 / (n0 + 2) of n1 and n0 pairs, rather than 1 and 0.

    >>> random = np.random.default_rng(0)
    >>> logits = random.normal(0, 3, 20_000)
    >>> labels = random.random(20_000) < probabilities(logits / 2)
    >>> round(fit_temperature(labels, logits), 1)
    2.0
    """
    same, values = checked(labels, logits)
    ones, zeros = int(same.sum()), int((~same).sum())
    if not ones or not zeros:
        raise DataError(
            f"{ones} pairs of one individual and {zeros} of two were given; calibration needs both"
        )
    target = np.where(same, (ones + 1) / (ones + 2), 1 / (zeros + 2))
    low, high = 1 / HOTTEST, 1 / COLDEST
    for _ in range(STEPS):
        middle = (low + high) / 2
        slope = float(np.sum(values * (probabilities(values * middle) - target)))
        low, high = (middle, high) if slope < 0 else (low, middle)
    return 2 / (low + high)


def threshold_at(
    labels: Sequence[int] | Array,
    logits: Sequence[float] | Array,
    false_match_rate: float,
    comparisons: int = 1,
) -> float:
    """Give the logit from which on a pair is a match, at a chosen rate of false matches.

    Of the validation pairs of two individuals, at most `false_match_rate` reach it. A search that
    makes so many `comparisons`, each of which may go wrong, gets each a share of the rate. A rate
    finer than the number of pairs can show puts the threshold above all of them.

    >>> threshold_at([0, 0, 0, 0, 1], [0.1, 0.2, 0.3, 0.4, 2.0], 0.25)
    0.4
    """
    same, values = checked(labels, logits)
    if not 0 < false_match_rate < 1:
        raise ConfigError(
            f"false_match_rate: {false_match_rate} was given; allowed is a number between 0 and 1"
        )
    others = np.sort(values[~same])[::-1]
    if not len(others):
        raise DataError("no pair of two individuals was given; the threshold is learned from them")
    allowed = int(false_match_rate / max(1, comparisons) * len(others) + 1e-9)
    if not allowed:
        return float(np.nextafter(others[0], np.inf))
    strictest = others[allowed - 1]
    if allowed < len(others) and others[allowed] == strictest:  # a tie would let more through
        return float(np.nextafter(strictest, np.inf))
    return float(strictest)
