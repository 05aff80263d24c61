"""Pictures of the worst mistakes: pairs of image sets that the model is sure of, and wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from tokenry_core import Array, Panel

from ._svg import picture, svg, text

__all__ = ["Mistake", "mistakes_panel", "worst_pairs"]

_THUMB, _GAP, _SHOWN = 72, 4, 5  # pixels, pixels, images of a set


class Mistake(NamedTuple):
    """Two image sets, the probability that they show one individual, and whether they do."""

    left: Sequence[Image.Image]
    right: Sequence[Image.Image]
    probability: float
    same: bool


def worst_pairs(logits: Array, same: Array, count: int) -> Array:
    """Give the numbers of the pairs that are most wrong, the worst first.

    >>> worst_pairs(np.array([3.0, -2.0, 5.0]), np.array([False, True, True]), 5).tolist()
    [0, 1]
    """
    wrongness = np.where(np.asarray(same, bool), -logits, logits)
    order = np.argsort(-wrongness, kind="stable")[:count]
    return np.asarray(order[wrongness[order] > 0])


def mistakes_panel(mistakes: Sequence[Mistake]) -> Panel:
    """Give one line per mistake: both sets, the probability, and the truth."""
    most = max((len(side) for one in mistakes for side in one[:2]), default=1)
    half = min(most, _SHOWN) * (_THUMB + _GAP) + 20
    width = 2 * half + 130
    parts = []
    for number, mistake in enumerate(mistakes):
        y = number * (_THUMB + 3 * _GAP)
        for start, images in ((0, mistake.left), (half, mistake.right)):
            for place, image in enumerate(images[:_SHOWN]):
                parts.append(picture(image, start + place * (_THUMB + _GAP), y, _THUMB))
        truth = "one individual" if mistake.same else "two individuals"
        parts.append(text(2 * half, y + 30, f"taken for one: {mistake.probability:.1%}"))
        parts.append(text(2 * half, y + 46, f"truth: {truth}"))
    caption = "Each line is a pair of sets, the most certain mistake first."
    if not mistakes:
        parts.append(text(0, 14, "none"))
        caption = "Every pair is told right at a probability of one half."
    height = max(24, len(mistakes) * (_THUMB + 3 * _GAP))
    return Panel("The worst mistakes", svg(parts, width, height), caption=caption)
