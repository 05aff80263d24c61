"""How well scores tell pairs of one individual from pairs of two: curves, and numbers from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tokenry_core import Array
from tokenry_core.errors import ConfigError, DataError, ShapeError

__all__ = [
    "Curve",
    "Reliability",
    "checked",
    "curve_of",
    "pair_metrics",
    "probabilities",
    "reliability",
]

BINS = 15


class Curve(NamedTuple):
    """What every threshold gives, from the strictest on; a score at the threshold is a match.

    `true` and `false` count the pairs of one and of two individuals at or above each threshold.
    """

    thresholds: Array
    true: Array
    false: Array

    @property
    def recall(self) -> Array:
        """The share of pairs of one individual that are found."""
        return _share(self.true, self.true[-1])

    @property
    def false_match_rate(self) -> Array:
        """The share of pairs of two individuals that are taken for one."""
        return _share(self.false, self.false[-1])

    @property
    def precision(self) -> Array:
        """The share of matches that are right."""
        return np.asarray(self.true / (self.true + self.false))

    @property
    def auc_roc(self) -> float:
        """The chance that a pair of one individual scores above one of two; ties count half."""
        recall = self.recall
        middle = recall - np.diff(recall, prepend=0.0) / 2
        return float(np.sum(np.diff(self.false_match_rate, prepend=0.0) * middle))

    @property
    def auc_pr(self) -> float:
        """The average precision: the mean precision at the thresholds where recall rises."""
        rises = np.diff(self.recall, prepend=0.0)
        return float(np.sum(rises * self.precision))

    @property
    def equal_error(self) -> tuple[float, float]:
        """The threshold where both kinds of error are nearest to each other, and their mean."""
        missed = 1 - self.recall
        gap = np.abs(self.false_match_rate - missed)
        if not np.isfinite(gap).all():
            return float("nan"), float("nan")
        at = int(gap.argmin())
        return float(self.thresholds[at]), float(self.false_match_rate[at] + missed[at]) / 2


class Reliability(NamedTuple):
    """Bins of equal width over the probabilities: how many pairs, their mean, the share that is so.

    Bins without a pair are left out.
    """

    counts: Array
    predicted: Array
    observed: Array

    @property
    def error(self) -> float:
        """The expected calibration error: the mean distance of both, over pairs."""
        distance = np.abs(self.predicted - self.observed)
        return float((self.counts * distance).sum() / self.counts.sum())


def pair_metrics(
    labels: Sequence[int] | Array,
    logits: Sequence[float] | Array,
    threshold: float = 0.5,
    temperature: float = 1.0,
) -> dict[str, float]:
    """Give the metrics of scored pairs; label 1 says that both sets show one individual.

    A pair is a match from probability `threshold` on. `auc_pr` is the average precision,
    `calibration_error` the expected one over 15 bins, and `equal_error_threshold` the probability
    at which false matches are as frequent as missed ones. Where there is no match, precision and
    F1 are 0; where one kind of pair is missing, what needs both is NaN.

    >>> found = pair_metrics([1, 1, 0, 0], [2.0, -1.0, 0.5, -3.0])
    >>> [(key, found[key]) for key in ("accuracy", "precision", "recall", "f1_score", "auc_roc")]
    [('accuracy', 0.5), ('precision', 0.5), ('recall', 0.5), ('f1_score', 0.5), ('auc_roc', 0.75)]
    """
    if not 0 <= threshold <= 1:
        raise ConfigError(f"threshold: {threshold} was given; allowed is a probability, 0 to 1")
    same, values = checked(labels, logits)
    likely = probabilities(values, temperature)
    match = likely >= threshold
    hits = float(np.sum(match & same))
    curve = curve_of(same, values)
    equal, rate = curve.equal_error
    return {
        "accuracy": float(np.mean(match == same)),
        "precision": hits / max(1, int(match.sum())),
        "recall": hits / int(same.sum()) if same.any() else float("nan"),
        "f1_score": 2 * hits / max(1, int(match.sum() + same.sum())),
        "auc_roc": curve.auc_roc,
        "auc_pr": curve.auc_pr,
        "calibration_error": reliability(same, likely).error,
        "equal_error_threshold": float(probabilities(np.float64(equal), temperature)),
        "equal_error_rate": rate,
    }


def probabilities(logits: Any, temperature: float = 1.0) -> Any:
    """Give the probabilities of logits, divided by the temperature first.

    >>> probabilities([0.0, 40.0, -800.0]).tolist()
    [0.5, 1.0, 0.0]
    """
    scaled = np.asarray(logits, np.float64) / temperature
    tail = np.exp(-np.abs(scaled))  # never overflows
    return np.where(scaled >= 0, 1, tail) / (1 + tail)


def curve_of(labels: Sequence[int] | Array, scores: Sequence[float] | Array) -> Curve:
    """Give the counts at every different score, highest first.

    >>> curve = curve_of([1, 0, 1], [0.9, 0.5, 0.5])
    >>> curve.thresholds.tolist(), curve.true.tolist(), curve.false.tolist()
    ([0.9, 0.5], [1, 2], [0, 1])
    """
    same, values = checked(labels, scores)
    order = np.argsort(-values, kind="stable")
    values, same = values[order], same[order]
    last = np.append(np.flatnonzero(np.diff(values)), len(values) - 1)
    true = np.cumsum(same)[last]
    return Curve(values[last], true, last + 1 - true)


def reliability(
    labels: Sequence[int] | Array, likely: Sequence[float] | Array, bins: int = BINS
) -> Reliability:
    """Compare probabilities with how often they came true, in bins of equal width.

    >>> found = reliability([1, 0, 1, 1], [0.9, 0.1, 0.3, 0.95], bins=2)
    >>> found.counts.tolist(), found.predicted.tolist(), found.observed.tolist()
    ([2, 2], [0.2, 0.925], [0.5, 1.0])
    """
    same, values = checked(labels, likely)
    places = np.clip((values * bins).astype(np.int64), 0, bins - 1)
    counts = np.bincount(places, minlength=bins)
    there = counts > 0
    sums = (np.bincount(places, weights, bins)[there] for weights in (values, same))
    predicted, observed = (total / counts[there] for total in sums)
    return Reliability(counts[there], predicted, observed)


def checked(labels: Any, scores: Any) -> tuple[Array, Array]:
    """Give labels as booleans and scores as doubles, or say why they do not belong together."""
    same, values = np.asarray(labels), np.asarray(scores, np.float64)
    if same.ndim != 1 or same.shape != values.shape or not len(same):
        raise ShapeError(
            f"labels of shape {same.shape} and scores of shape {values.shape} were given; expected"
            " are as many of both, one a pair, and at least one"
        )
    if not np.isin(same, (0, 1)).all():
        raise DataError("labels are 1 (the same individual) or 0; others were given")
    if np.isnan(values).any():
        raise DataError(f"{int(np.isnan(values).sum())} of {len(values)} scores are NaN")
    return same.astype(bool), values


def _share(counts: Array, total: int) -> Array:
    return counts / total if total else np.full(len(counts), np.nan)
