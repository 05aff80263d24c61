"""A picture for the report: how full the bins of each column are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from tokenry_core import Panel

_WIDTH, _HEIGHT, _LABEL, _BARS = 720, 26, 220, 64


def occupancy(tokens: NDArray[Any], summary: Sequence[dict[str, Any]], n_bins: int) -> Panel:
    """Give one line a column: the share of rows in each run of bins, and what is missing."""
    lines = [_line(i, tokens[:, i], found, n_bins) for i, found in enumerate(summary)]
    height = _HEIGHT * len(lines) + 8
    image = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"'
        f' font-family="sans-serif" font-size="11">{"".join(lines)}</svg>'
    )
    return Panel("Bins of scalar columns", image.encode(), caption=_caption(summary))


def _line(i: int, tokens: NDArray[Any], found: dict[str, Any], n_bins: int) -> str:
    y = _HEIGHT * i
    present = tokens[tokens < n_bins]
    bins = max(1, found["bins"])
    edges = np.linspace(0, bins, min(_BARS, bins) + 1)
    share = np.histogram(present, edges)[0] / np.diff(edges)
    share = share / max(share.max(initial=0.0), 1e-12)
    step = (_WIDTH - _LABEL - 90) / len(share)
    bars = "".join(
        f'<rect x="{_LABEL + step * k:.1f}" y="{y + 22 - 18 * s:.1f}" width="{step:.2f}"'
        f' height="{18 * s:.1f}" fill="#4477aa"/>'
        for k, s in enumerate(share.tolist())
        if s > 0
    )
    missing = 100 * (1 - present.size / tokens.size) if tokens.size else 0.0
    name = escape(str(found["column"]))
    return (
        f'<text x="4" y="{y + 18}">{name}</text>{bars}'
        f'<text x="{_WIDTH - 86}" y="{y + 18}">{missing:.1f} % missing</text>'
    )


def _caption(summary: Sequence[dict[str, Any]]) -> str:
    dead = [
        f"{found['column']} {found['unreachable']}" for found in summary if found["unreachable"]
    ]
    untrained = [str(found["column"]) for found in summary if not found["bins"]]
    parts = ["Rows in each run of bins, by column; even is full use of the vocabulary."]
    if dead:
        parts.append(
            f'Bins that can never be reached: {", ".join(dead)} (ties="merge" joins them).'
        )
    if untrained:
        parts.append(f"Untrained, all missing: {', '.join(untrained)}.")
    return " ".join(parts)
