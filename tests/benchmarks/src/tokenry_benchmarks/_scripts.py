"""Which benchmarks there are, and how one is run: in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tokenry_core.errors import ConfigError, nearest

__all__ = ["Table", "find_scripts", "run_script"]

Table = dict[str, Any]
"""A benchmark's name, its rows, and `failed` or `left_out` with the reason where it has none."""


def find_scripts(folder: Path | None, topics: Sequence[str]) -> list[Path]:
    """Give the scripts of these topics, or of all."""
    folder = folder or _shipped()
    scripts = sorted(folder.glob("*/bench_*.py"))
    known = sorted({script.parent.name for script in scripts})
    if not scripts:
        raise ConfigError(f"{folder} has no benchmarks: they are scripts TOPIC/bench_NAME.py")
    for topic in topics:
        if topic not in known:
            there = f"there are: {', '.join(known)}.{nearest(topic, known)}"
            raise ConfigError(f'there is no topic "{topic}"; {there}')
    return [script for script in scripts if not topics or script.parent.name in topics]


def _shipped() -> Path:
    """The topics inside an installed package, or beside `src` in a checkout."""
    here = Path(__file__).resolve().parent
    inside = here / "topics"
    return inside if inside.is_dir() else here.parents[1]


def run_script(script: Path, quick: bool, limit: float | None) -> list[Table]:
    """Run one benchmark and give the tables that it printed as lines of JSON."""
    name = f"{script.parent.name}: {script.stem.removeprefix('bench_').replace('_', ' ')}"
    command = [sys.executable, str(script), *(["--quick"] if quick else [])]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return [_without_rows(name, failed=f"did not end within {limit:g} s")]
    if done.returncode:
        last = (done.stderr.strip() or "it says nothing").splitlines()[-1]
        if last.startswith("ModuleNotFoundError: No module named "):
            return [_without_rows(name, left_out=f"needs the module {last.split()[-1]}")]
        return [_without_rows(name, failed=last)]
    return list(_tables(done.stdout)) or [_without_rows(name, failed="printed no table")]


def _tables(output: str) -> Iterator[Table]:
    for line in output.splitlines():
        if line.startswith('{"benchmark"'):
            yield json.loads(line)


def _without_rows(name: str, **why: str) -> Table:
    return {"benchmark": name, "rows": [], **why}
