"""Plots as SVG, small and without a display."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tokenry_core import Array

__all__ = ["histogram", "lengths", "originals"]

_INK, _ACCENT, _FAINT = "#334155", "#2563eb", "#cbd5e1"
_MOST_BARS = 256


def histogram(counts: Array, reference: Array | None) -> bytes:
    """Give the token histogram, and the training data's beside it as a line."""

    def draw(axes: Any) -> None:
        now, edges = _shares(counts[:-1])
        axes.stairs(now, edges, fill=True, color=_ACCENT, alpha=0.75, label="this data")
        if reference is not None and len(reference) == len(counts):
            before, edges = _shares(reference[:-1])
            axes.stairs(before, edges, color=_INK, linewidth=1, label="training data")
            axes.legend(frameon=False, fontsize=8)
        axes.set_xlabel("token")
        axes.set_ylabel("share")

    return _svg(draw)


def lengths(counts: Mapping[int, int]) -> bytes:
    """Give the distribution of the lengths of a ragged field's rows."""

    def draw(axes: Any) -> None:
        values = np.repeat(list(counts), list(counts.values()))
        axes.hist(values, bins=min(60, max(1, len(counts))), color=_ACCENT)
        axes.set_xlabel("points in a row")
        axes.set_ylabel("rows")

    return _svg(draw)


def originals(name: str, before: Array, after: Array) -> bytes:
    """Give decoded values over the originals."""

    def draw(axes: Any) -> None:
        low, high = np.percentile(before, [0.5, 99.5])
        axes.plot([low, high], [low, high], color=_FAINT, linewidth=1)
        axes.plot(before, after, ".", color=_ACCENT, markersize=2, alpha=0.5)
        axes.set_xlim(low, high)
        axes.set_ylim(low, high)
        axes.set_xlabel(f"{name}, original")
        axes.set_ylabel("decoded")

    return _svg(draw)


def _shares(counts: Array) -> tuple[Array, Array]:
    """Join neighbouring ids, so that no plot has more bars than pixels."""
    step = -(-len(counts) // _MOST_BARS)
    edges = np.append(np.arange(0, len(counts), step), len(counts))
    summed = np.add.reduceat(counts, edges[:-1])
    return summed / max(1, summed.sum()), edges


def _svg(draw: Callable[[Any], None]) -> bytes:
    from matplotlib.figure import Figure
    from matplotlib.style import context

    # Fixed ids and no date: the same numbers draw the same bytes, whatever the user's own style.
    ours = {"svg.hashsalt": "tokenry", "svg.fonttype": "none", "font.size": 9}
    with context(["default", ours]):
        figure = Figure(figsize=(4.6, 2.2), layout="constrained")
        axes = figure.subplots()
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes)
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None}, transparent=True)
    return out.getvalue()
