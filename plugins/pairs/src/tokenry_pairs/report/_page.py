"""The page that a training leaves beside its checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from tokenry_core import Panel, write_atomically

__all__ = ["write_page"]

_STYLE = (
    "body{font-family:sans-serif;max-width:60em;margin:2em auto}svg{max-width:100%}"
    ".plots{display:flex;flex-wrap:wrap;gap:1em}.plots section{flex:1 1 17em}"
    "td{padding:0 1em 0 0}"
)


def write_page(
    path: Path, title: str, figures: Mapping[str, float], panels: Sequence[Panel]
) -> Path:
    """Write one HTML file with the figures and the pictures, which needs nothing else."""
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{value:.4f}</td></tr>" for name, value in figures.items()
    )
    sections = "".join(
        f"<section><h2>{escape(panel.title)}</h2>{panel.image.decode()}"
        f"<p>{escape(panel.caption)}</p></section>"
        for panel in panels
    )
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style><h1>{escape(title)}</h1><table>{rows}</table>"
        f'<div class="plots">{sections}</div></html>'
    )
    return write_atomically(path, page.encode())
