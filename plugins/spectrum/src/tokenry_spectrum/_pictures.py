"""Pictures for a run's report: a few rows over what their tokens stand for."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tokenry_core import Panel, TokenBatch
from tokenry_spectrum._groups import TrainedGroup

Values = NDArray[np.float64]
_ROWS, _WIDTH, _HEIGHT, _MARGIN = 3, 640, 150, 30


def group_panel(group: TrainedGroup, rows: pa.RecordBatch, tokens: TokenBatch) -> Panel | None:
    """Give the picture of a group's first feature; None where no row has points."""
    points = group.read(rows)
    chosen = [row for row in np.flatnonzero(points.lengths > 0) if row not in points.bad][:_ROWS]
    if points.bad or not chosen:
        return None
    ends = np.cumsum(points.lengths)
    first = next(iter(group.kind.values(group.centroids.T, group.assets)))
    codes = np.asarray(group.kind.values(group.centroids.T, group.assets)[first], np.float64)
    values, indptr = tokens.fields[group.spec.name]
    strips = []
    for place, row in enumerate(chosen):
        last, length = int(ends[row]), int(points.lengths[row])
        features = points.features(last - length, last).astype(np.float64)
        there = np.asarray(group.kind.values(features, group.assets)[first], np.float64)
        own = values[row] if indptr is None else values[indptr[row] : indptr[row + 1]]
        found = np.where(own < len(codes), codes[np.minimum(own, len(codes) - 1)], np.nan)
        axis, label = _axis(group, points.positions, last - length, last)
        strips.append(_strip(place, axis, there, found))
    name = group.kind.group.name
    caption = (
        f"{first} of the first rows by {label}: given (grey) and what its tokens stand for (blue)"
    )
    return Panel(f"{name}: originals and reconstructions", _svg(strips), caption=caption)


def _axis(group: TrainedGroup, positions: object, first: int, last: int) -> tuple[Values, str]:
    if callable(positions):
        return np.asarray(positions(first, last), np.float64), "time"
    return group.kind.axis(last - first, group.assets)


def _svg(strips: Sequence[str]) -> bytes:
    height = len(strips) * _HEIGHT
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"'
        f' font-family="sans-serif" font-size="10">{"".join(strips)}</svg>'
    ).encode()


def _strip(place: int, axis: Values, given: Values, found: Values) -> str:
    """Draw one row: its values, the reconstruction over them, and the ranges of both axes."""
    finite = np.isfinite(given) & np.isfinite(axis)
    low, high = _range(given[finite])
    left, right = _range(axis[finite])

    def line(values: Values, colour: str) -> str:
        good = finite & np.isfinite(values)
        x = _MARGIN + (axis[good] - left) / (right - left) * (_WIDTH - 2 * _MARGIN)
        up = np.clip((values[good] - low) / (high - low), -0.05, 1.05)
        y = (place + 1) * _HEIGHT - _MARGIN - up * (_HEIGHT - 2 * _MARGIN)
        pairs = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        return f'<polyline fill="none" stroke="{colour}" points="{pairs}"/>'

    top, bottom = place * _HEIGHT + _MARGIN, (place + 1) * _HEIGHT - _MARGIN
    texts = (
        (2, top, f"{high:.4g}", "start"),
        (2, bottom, f"{low:.4g}", "start"),
        (_MARGIN, bottom + 14, f"{left:.6g}", "start"),
        (_WIDTH - _MARGIN, bottom + 14, f"{right:.6g}", "end"),
    )
    words = "".join(
        f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'
        for x, y, text, anchor in texts
    )
    return line(given, "#999") + line(found, "#2563eb") + words


def _range(values: Values) -> tuple[float, float]:
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)
