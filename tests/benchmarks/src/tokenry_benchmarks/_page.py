"""The tables of a run: for a terminal, and as a page of the documentation."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from ._scripts import Table
from ._timing import shown

__all__ = ["page", "terminal"]

_HEAD = ["job", "ours", "peer", "ours'", "peer's", "compared", "target", "checked"]


def terminal(tables: Sequence[Table]) -> str:
    """Give one table of all benchmarks, in columns."""
    rows = [cells for table in tables for cells in _cells(table["rows"])]
    widths = [max(map(len, column)) for column in zip(_HEAD, *rows, strict=True)]
    lines = [_line(_HEAD, widths)]
    for table in tables:
        lines += ["", table["benchmark"], *(_line(row, widths) for row in _cells(table["rows"]))]
        lines += [f"  {why}" for why in _why_empty(table)]
    return "\n".join(lines)


def page(tables: Sequence[Table]) -> str:
    """Give the page in Markdown."""
    day = datetime.now(UTC).date().isoformat()
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    lines = [
        "# Benchmarks",
        "",
        f"Written by `tokenry bench` on {day} ({machine}).",
        "12x says that ours is twelve times faster than the peer; equal output is checked before",
        "timing. Ratios travel between machines, absolute times do not, and a machine that others",
        "use too blurs both.",
    ]
    for table in tables:
        lines += ["", f"## {table['benchmark']}", "", *_why_empty(table)]
        if table["rows"]:
            lines += [f"| {' | '.join(_HEAD)} |", "|" + "---|" * len(_HEAD)]
            lines += [f"| {' | '.join(row)} |" for row in _cells(table["rows"])]
    return "\n".join(lines) + "\n"


def _cells(rows: Iterable[Table]) -> list[list[str]]:
    return [
        [
            row["job"],
            row["ours"],
            row["peer"],
            *shown(row),
            row["target"],
            "yes" if row["checked"] else "no",
        ]
        for row in rows
    ]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _why_empty(table: Table) -> list[str]:
    if "failed" in table:
        return [f"This benchmark failed: {table['failed']}."]
    return [f"Left out: it {table['left_out']}."] if "left_out" in table else []
