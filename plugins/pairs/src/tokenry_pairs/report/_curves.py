"""Pictures of how well pairs are told apart: ROC, precision and recall, calibration."""

from __future__ import annotations

import numpy as np

from tokenry_core import Array, Panel

from ._svg import dot, frame, line, svg

__all__ = ["calibration_panel", "precision_panel", "roc_panel"]

_BINS = 10
_POINTS = 400  # of a curve in the drawing


def roc_panel(logits: Array, same: Array) -> Panel:
    """Give the share of positives found against the share of negatives taken for one."""
    from sklearn.metrics import roc_auc_score, roc_curve

    false, true, _ = roc_curve(same, logits)
    equal = int(np.abs(1 - true - false).argmin())
    caption = (
        f"Area {roc_auc_score(same, logits):.4f} over {len(same)} pairs; equal error rate"
        f" {(1 - true[equal] + false[equal]) / 2:.3f} (the point)."
    )
    diagonal = line(np.array([0, 1]), np.array([0, 1]), "#999", dashed=True)
    parts = [*frame("false matches", "true matches"), diagonal, line(*_thinned(false, true))]
    parts.append(dot(false[equal], true[equal], 4))
    return Panel("ROC", svg(parts), caption=caption)


def precision_panel(logits: Array, same: Array) -> Panel:
    """Give precision against recall."""
    from sklearn.metrics import average_precision_score, precision_recall_curve

    precision, recall, _ = precision_recall_curve(same, logits)
    share = float(np.mean(same))
    chance = line(np.array([0, 1]), np.array([share, share]), "#999", dashed=True)
    parts = [*frame("recall", "precision"), chance, line(*_thinned(recall, precision))]
    caption = (
        f"Average precision {average_precision_score(same, logits):.4f}; {share:.1%} of the pairs"
        " are of one individual (dashed)."
    )
    return Panel("Precision and recall", svg(parts), caption=caption)


def calibration_panel(logits: Array, same: Array, temperature: float) -> Panel:
    """Give how often pairs of each probability are of one individual."""
    given = 1 / (1 + np.exp(-np.clip(np.asarray(logits, np.float64) / temperature, -60, 60)))
    bins = np.minimum((given * _BINS).astype(int), _BINS - 1)
    counts = np.bincount(bins, minlength=_BINS)
    there = counts > 0
    mean = np.bincount(bins, given, _BINS)[there] / counts[there]
    found = np.bincount(bins, np.asarray(same, float), _BINS)[there] / counts[there]
    error = float((counts[there] * np.abs(mean - found)).sum() / counts.sum())
    diagonal = line(np.array([0, 1]), np.array([0, 1]), "#999", dashed=True)
    parts = [*frame("probability", "share of one individual"), diagonal, line(mean, found)]
    sizes = 3 + 7 * np.sqrt(counts[there] / counts.max())
    parts += [dot(*one) for one in zip(mean, found, sizes, strict=True)]
    caption = (
        f"Temperature {temperature:.3g}; expected calibration error {error:.3f}. The larger a"
        " point, the more pairs it stands for."
    )
    return Panel("Calibration", svg(parts), caption=caption)


def _thinned(x: Array, y: Array) -> tuple[Array, Array]:
    keep = np.unique(np.linspace(0, len(x) - 1, _POINTS).astype(int))
    return x[keep], y[keep]
