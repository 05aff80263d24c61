"""The parts of the page: plain HTML and CSS, readable on a phone, nothing from the network."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["document", "figure", "paragraph", "section", "table"]

_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1e293b; background: #f8fafc; margin: 0; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
section { background: #fff; border: 1px solid #e2e8f0; border-radius: .5rem; padding: .5rem 1rem;
  margin: 1rem 0; overflow-x: auto; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.05rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; font-size: .9rem; }
td, th { text-align: left; padding: .2rem .8rem .2rem 0; vertical-align: top;
  border-bottom: 1px solid #f1f5f9; }
td:first-child { overflow-wrap: anywhere; min-width: 6.5rem; }
figure { display: inline-block; margin: .5rem 0; max-width: 100%; }
figure img { max-width: 100%; height: auto; } figcaption { font-size: .85rem; color: #64748b; }
"""


def document(title: str, sections: Iterable[str]) -> str:
    """Give the whole page."""
    # An icon of its own keeps browsers from asking a server for one.
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head>\n<body><main><h1>{escape(title)}</h1>\n"
        + "\n".join(sections)
        + "\n</main></body></html>\n"
    )


def section(title: str, content: str) -> str:
    """Give one card of the page."""
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def paragraph(text: str) -> str:
    """Give a paragraph; nothing for no text."""
    return f"<p>{escape(text)}</p>" if text else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Give a table; every cell is text."""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head) if any(head) else ""
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    return f"<table>{f'<tr>{top}</tr>' if top else ''}{body}</table>"


def figure(image: bytes, media_type: str, caption: str, title: str = "") -> str:
    """Give a picture that stands in the page itself."""
    data = base64.b64encode(image).decode()
    heading = f"<b>{escape(title)}</b> " if title else ""
    label = f"<figcaption>{heading}{escape(caption)}</figcaption>" if title or caption else ""
    alt = escape(title or caption or "plot", quote=True)
    return (
        f'<figure><img alt="{alt}" src="data:{escape(media_type)};base64,{data}">{label}</figure>'
    )
