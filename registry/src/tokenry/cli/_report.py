"""`tokenry report FOLDER`: one HTML page about a run."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

__all__ = ["main"]


def main(argv: Sequence[str]) -> int:
    """Write the page and print where it is."""
    parser = argparse.ArgumentParser(
        "tokenry report", description="Write one HTML page about a finished run."
    )
    parser.add_argument("folder", type=Path, help="the folder that `tokenry encode` wrote")
    parser.add_argument("-o", "--output", type=Path, help="default: report.html in the folder")
    args = parser.parse_args(argv)
    from ..report import write_report

    print(write_report(args.folder, args.output))
    return 0
