"""Pictures of how well pairs are told apart: ROC, precision and recall, calibration."""

from __future__ import annotations

import numpy as np

from tokenry_core import Array, Panel

from ..evaluation._metrics import curve_of, probabilities, reliability
from ._svg import dot, frame, line, svg

__all__ = ["calibration_panel", "precision_panel", "roc_panel"]

_BINS = 10
_POINTS = 400  # of a curve in the drawing
_GREY, _ENDS = "#999", np.array([0.0, 1.0])
_DIAGONAL = line(_ENDS, _ENDS, _GREY, dashed=True)


def roc_panel(logits: Array, same: Array) -> Panel:
    """Give the share of positives found against the share of negatives taken for one."""
    curve = curve_of(same, logits)
    false, true = (np.append(0.0, rate) for rate in (curve.false_match_rate, curve.recall))
    equal = int(np.abs(1 - true - false).argmin())
    caption = (
        f"Area {curve.auc_roc:.4f} over {len(same)} pairs; equal error rate"
        f" {curve.equal_error[1]:.3f} (the point)."
    )
    parts = [*frame("false matches", "true matches"), _DIAGONAL, line(*_thinned(false, true))]
    parts.append(dot(false[equal], true[equal], 4))
    return Panel("ROC", svg(parts), caption=caption)


def precision_panel(logits: Array, same: Array) -> Panel:
    """Give precision against recall."""
    curve = curve_of(same, logits)
    share = float(np.mean(same))
    chance = line(_ENDS, np.array([share, share]), _GREY, dashed=True)
    shape = line(*_thinned(curve.recall, curve.precision))
    caption = (
        f"Average precision {curve.auc_pr:.4f}; {share:.1%} of the pairs are of one individual"
        " (dashed)."
    )
    parts = [*frame("recall", "precision"), chance, shape]
    return Panel("Precision and recall", svg(parts), caption=caption)


def calibration_panel(logits: Array, same: Array, temperature: float) -> Panel:
    """Give how often pairs of each probability are of one individual."""
    found = reliability(same, probabilities(logits, temperature), _BINS)
    parts = [*frame("probability", "share of one individual"), _DIAGONAL]
    parts.append(line(found.predicted, found.observed))
    sizes = 3 + 7 * np.sqrt(found.counts / found.counts.max())
    places = zip(found.predicted, found.observed, sizes, strict=True)
    parts += [dot(*place) for place in places]
    caption = (
        f"Temperature {temperature:.3g}; expected calibration error {found.error:.3f}. The larger a"
        " point, the more pairs it stands for."
    )
    return Panel("Calibration", svg(parts), caption=caption)


def _thinned(x: Array, y: Array) -> tuple[Array, Array]:
    keep = np.unique(np.linspace(0, len(x) - 1, _POINTS).astype(int))
    return x[keep], y[keep]
