"""Drawing: axes, lines and pictures as SVG, without a plotting library."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape

from PIL import Image

from tokenry_core import Array

__all__ = ["dot", "frame", "line", "picture", "svg", "text"]

SIDE = 300  # of a plot, without its margins
LEFT, BELOW, ABOVE = 46, 40, 10


def frame(across: str, up: str) -> list[str]:
    """Give the axes of a plot of the unit square, with ticks at each fifth."""
    parts = [
        f'<rect x="{LEFT}" y="{ABOVE}" width="{SIDE}" height="{SIDE}" fill="none" stroke="#999"/>'
    ]
    for fifth in range(6):
        value = fifth / 5
        x, y = place(value, 0)
        parts.append(text(x, y + 14, f"{value:g}", "middle"))
        x, y = place(0, value)
        parts.append(text(x - 6, y + 4, f"{value:g}", "end"))
    x, y = place(0.5, 0)
    parts.append(text(x, y + 32, across, "middle"))
    x, y = place(0, 0.5)
    parts.append(
        f'<text x="12" y="{y}" text-anchor="middle" transform="rotate(-90 12 {y})">'
        f"{escape(up)}</text>"
    )
    return parts


def line(x: Array, y: Array, colour: str = "#4878a8", dashed: bool = False) -> str:
    """Give a line through points of the unit square."""
    points = " ".join(
        f"{a:.1f},{b:.1f}" for a, b in (place(*one) for one in zip(x, y, strict=True))
    )
    dash = ' stroke-dasharray="4 4"' if dashed else ""
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.8"{dash}/>'


def dot(x: float, y: float, size: float, colour: str = "#4878a8") -> str:
    """Give a point of the unit square."""
    across, up = place(x, y)
    return f'<circle cx="{across:.1f}" cy="{up:.1f}" r="{size:.1f}" fill="{colour}"/>'


def place(x: float, y: float) -> tuple[float, float]:
    """Give where a point of the unit square is drawn."""
    return LEFT + SIDE * float(x), ABOVE + SIDE * (1 - float(y))


def text(x: float, y: float, words: str, anchor: str = "start") -> str:
    """Give words at a place of the drawing."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def picture(image: Image.Image, x: float, y: float, side: float) -> str:
    """Give an image in a square of the drawing."""
    small = image.convert("RGB")
    small.thumbnail((192, 192))
    file = io.BytesIO()
    small.save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode()
    sharp = ' image-rendering="pixelated"' if max(image.size) < side else ""
    return (
        f'<image x="{x:.1f}" y="{y:.1f}" width="{side}" height="{side}"{sharp}'
        f' href="data:image/png;base64,{data}"/>'
    )


def svg(parts: Sequence[str], width: float | None = None, height: float | None = None) -> bytes:
    """Give the drawing; without a size, that of a plot."""
    width, height = width or LEFT + SIDE + 12, height or ABOVE + SIDE + BELOW
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}"'
        f' font-family="sans-serif" font-size="11">{"".join(parts)}</svg>'
    ).encode()
