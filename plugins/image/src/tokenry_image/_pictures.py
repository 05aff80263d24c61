"""Pictures of a report: originals beside reconstructions, PSNR of the bands, use of the codes."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

import numpy as np

from tokenry_core import Array, Panel, png

from ._quality import code_use, psnr

__all__ = ["code_panel", "curve_panel", "image_panel", "psnr_panel"]

_ROWS, _BANDS, _SIDE, _GAP = 4, 6, 96, 4


def image_panel(given: Array, found: Array, bands: Sequence[str]) -> Panel:
    """Give the first images, each band's reconstruction below it; NaN is white."""
    given, found = given[:_ROWS, :_BANDS], found[:_ROWS, :_BANDS]
    pair = 2 * _SIDE + 3 * _GAP
    parts = []
    for row in range(len(given)):
        for band in range(given.shape[1]):
            grey = _grey(given[row, band], found[row, band])
            for below, picture in enumerate(grey):
                x, y = band * (_SIDE + _GAP), 16 + row * pair + below * (_SIDE + _GAP)
                data = base64.b64encode(png(picture)).decode()
                parts.append(
                    f'<image x="{x}" y="{y}" width="{_SIDE}" height="{_SIDE}"'
                    f' image-rendering="pixelated" href="data:image/png;base64,{data}"/>'
                )
    for band, name in enumerate(bands[:_BANDS]):
        parts.append(f'<text x="{band * (_SIDE + _GAP)}" y="11">{escape(name)}</text>')
    width, height = given.shape[1] * (_SIDE + _GAP), 16 + len(given) * pair
    caption = "Each image, and below it what its tokens stand for, on the same scale of grey."
    return Panel("Originals and reconstructions", _svg(width, height, parts), caption=caption)


def psnr_panel(given: Array, found: Array, bands: Sequence[str]) -> Panel:
    """Give the PSNR of every band: its peak is the range of the band's values."""
    seen = np.isfinite(given)
    error = np.where(seen, found - given, 0.0) ** 2
    mean = error.sum((0, 2, 3)) / np.maximum(seen.sum((0, 2, 3)), 1)
    span = np.array([np.ptp(band[np.isfinite(band)]) for band in given.swapaxes(0, 1)])
    values = psnr(mean, span)
    top = max(float(values.max()), 1.0)
    parts = []
    for band, (name, value) in enumerate(zip(bands, values, strict=True)):
        y, length = 18 * band, 360 * max(float(value), 0.0) / top
        parts.append(f'<text x="0" y="{y + 12}">{escape(name)}</text>')
        parts.append(f'<rect x="60" y="{y + 2}" width="{length:.1f}" height="13" fill="#4878a8"/>')
        parts.append(f'<text x="{66 + length:.1f}" y="{y + 12}">{value:.1f} dB</text>')
    return Panel("PSNR of the bands", _svg(500, 18 * len(bands), parts))


def code_panel(counts: Array) -> Panel:
    """Give how often each code is used, the most used first, on a logarithmic scale."""
    used, perplexity = code_use(counts)
    shares = np.sort(counts)[::-1].astype(float)
    top = np.log1p(shares[0]) or 1.0
    places = np.unique(np.linspace(0, len(counts) - 1, 480).astype(int))
    points = [(480 * i / len(counts), 120 * (1 - np.log1p(shares[i]) / top)) for i in places]
    caption = f"{used} of {len(counts)} codes are used; their perplexity is {perplexity:.0f}."
    return Panel("Use of the codes", _svg(480, 122, [_line(points)]), caption=caption)


def curve_panel(history: Sequence[dict[str, object]]) -> Panel:
    """Give the validation loss over the steps, on a logarithmic scale."""
    steps = np.array([entry["step"] for entry in history], float)
    loss = np.log10(np.maximum(np.array([entry["loss"] for entry in history], float), 1e-12))
    low, span = loss.min(), max(float(np.ptp(loss)), 1e-9)
    right = max(float(steps.max()), 1.0)
    points = [
        (480 * s / right, 4 + 120 * (1 - (v - low) / span))
        for s, v in zip(steps, loss, strict=True)
    ]
    caption = (
        f"Validation loss, from {10 ** loss[0]:.4g} at step {steps[0]:.0f} to {10 ** loss[-1]:.4g}"
        f" at step {steps[-1]:.0f}; logarithmic."
    )
    return Panel("Loss", _svg(480, 128, [_line(points)]), caption=caption)


def _grey(given: Array, found: Array) -> tuple[Array, Array]:
    finite = given[np.isfinite(given)]
    low, high = np.percentile(finite, (1, 99.5)) if finite.size else (0.0, 1.0)
    scale = 255 / max(float(high - low), 1e-12)

    def shades(image: Array) -> Array:
        values = np.where(np.isfinite(image), (image - low) * scale, 255)
        return np.asarray(np.clip(values, 0, 255).astype(np.uint8))

    return shades(given), shades(found)


def _line(points: Sequence[tuple[float, float]]) -> str:
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{text}" fill="none" stroke="#4878a8" stroke-width="1.5"/>'


def _svg(width: float, height: float, parts: Sequence[str]) -> bytes:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        f' font-family="sans-serif" font-size="11">{"".join(parts)}</svg>'
    ).encode()
