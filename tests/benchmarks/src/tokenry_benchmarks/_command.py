"""`tokenry bench`: ours and the peers side by side, on this machine."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from ._page import page, terminal
from ._scripts import Table, find_scripts, run_script

__all__ = ["main"]


def main(argv: Sequence[str]) -> int:
    """Run the benchmarks that apply to what is installed, and print one table."""
    args = _parser().parse_args(argv)
    scripts = find_scripts(args.folder, args.topics)
    if args.list:
        print("\n".join(f"{script.parent.name}/{script.stem}" for script in scripts))
        return 0
    tables: list[Table] = []
    for number, script in enumerate(scripts, 1):
        place = f"{script.parent.name}/{script.stem}"
        print(f"[{number}/{len(scripts)}] {place}", file=sys.stderr, flush=True)
        tables += run_script(script, args.quick, args.limit)
    if args.page:
        args.page.write_text(page(tables), encoding="utf-8")
    if args.json is None:
        print(terminal(tables))
    elif args.json == Path("-"):
        print(json.dumps(tables, indent=1))
    else:
        args.json.write_text(json.dumps(tables, indent=1), encoding="utf-8")
    return int(any("failed" in table for table in tables))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "tokenry bench",
        description="Run the benchmarks that apply to what is installed, and print one table.",
        epilog="Exit code: 0 fine, 1 a benchmark failed or its outputs differed, 2 a wrong call.",
    )
    parser.add_argument("topics", nargs="*", metavar="TOPIC", help="only these; default: all")
    parser.add_argument("--quick", action="store_true", help="small sizes: minutes, blurred ratios")
    parser.add_argument("--limit", type=float, metavar="S", help="seconds for each benchmark")
    parser.add_argument("--json", type=Path, metavar="FILE", help="as JSON instead; - prints it")
    parser.add_argument("--page", type=Path, metavar="FILE", help="also as a page in Markdown")
    parser.add_argument("--folder", type=Path, help="other benchmarks: TOPIC/bench_NAME.py in here")
    parser.add_argument("--list", action="store_true", help="only say which there are")
    return parser
