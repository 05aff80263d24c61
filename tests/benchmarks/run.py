"""`make bench`: run every benchmark, each in a process of its own, and keep one table in the docs.

python tests/benchmarks/run.py [--quick] [TOPIC ...]
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent.parent / "docs" / "benchmarks.md"


def results(script: Path, quick: bool, limit: float | None = None) -> list[dict]:
    """Run one script and give the tables that it printed as JSON."""
    command = [sys.executable, str(script), *(["--quick"] if quick else [])]
    name = f"{script.parent.name}: {script.stem.removeprefix('bench_')}"
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, cwd=HERE.parent.parent, timeout=limit
        )
    except subprocess.TimeoutExpired:
        return [{"benchmark": name, "failed": f"did not end within {limit:.0f} s", "rows": []}]
    sys.stdout.write(done.stdout)
    if done.returncode:
        return [{"benchmark": name, "failed": "failed to run", "rows": []}]
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"benchmark"')]
    return [json.loads(line) for line in lines]


def page(tables: list[dict]) -> str:
    """Give the docs page."""
    day = datetime.now(UTC).date().isoformat()
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench` on {day} ({machine}).",
        "A ratio is how many times faster ours is than the peer; equal output is checked before",
        "timing. Ratios travel between machines, absolute times do not, and a machine that others",
        "use too blurs both.",
    ]
    for table in tables:
        lines += ["", f"## {table['benchmark']}", ""]
        if table.get("failed"):
            lines.append(f"This benchmark {table['failed']}.")
            continue
        lines += ["| job | ours | peer | seconds | peer's | ratio | target |"]
        lines += ["|---|---|---|---|---|---|---|"]
        lines += [
            "| {} | {} | {} | {} | {} | {} | {} |".format(
                row.get("job", ""),
                row["ours"],
                row["peer"],
                *(shown(row.get(key)) for key in ("seconds", "peer_seconds", "ratio")),
                row.get("target", ""),
            )
            for row in table["rows"]
        ]
    return "\n".join(lines) + "\n"


def shown(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value if value is not None else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("topics", nargs="*", help="folders; default: all")
    parser.add_argument("--limit", type=float, help="seconds for each; default: none")
    parser.add_argument("--quick", action="store_true", help="small sizes; the page is left alone")
    args = parser.parse_args()
    scripts = sorted(HERE.glob("*/bench_*.py"))
    if args.topics:
        scripts = [script for script in scripts if script.parent.name in args.topics]
    tables = [table for script in scripts for table in results(script, args.quick, args.limit)]
    if not args.quick and not args.topics:
        PAGE.write_text(page(tables), encoding="utf-8")
        print(f"written: {PAGE}")
    failed = [table["benchmark"] for table in tables if table.get("failed")]
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
