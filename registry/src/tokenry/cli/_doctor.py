"""`tokenry doctor`: import every plugin, make every tokenizer, and say what is wrong."""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tokenry_core._discovery import Entry
from tokenry_core._policy import blocked_by
from tokenry_core._registry import Registry, is_name
from tokenry_core.errors import BrokenPlugin, TokenryError

from ..registry import registries
from ..registry._describe import options_of

__all__ = ["main"]


@dataclass(frozen=True)
class Finding:
    """The state of one plugin."""

    kind: str
    name: str
    distribution: str
    version: str
    seconds: float
    made: str
    problem: str
    blocked: str


def main(argv: Sequence[str]) -> int:
    """Try everything, with times; the exit code is 1 when something is broken."""
    parser = argparse.ArgumentParser(
        "tokenry doctor",
        description="Import every plugin, make every tokenizer, and say what is wrong.",
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    args = parser.parse_args(argv)
    groups = {**registries, "commands": Registry("tokenry.commands")}
    findings = [
        _examine(kind, registry, entry)
        for kind, registry in groups.items()
        for entry in registry.claims()
    ]
    broken = [finding for finding in findings if finding.problem]
    if args.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
        return 1 if broken else 0
    print(f"Python {platform.python_version()} at {sys.executable}")
    for finding in findings:
        print(_line(finding))
    print(f"{len(findings)} plugins, {len(broken)} with problems")
    return 1 if broken else 0


def _examine(kind: str, registry: Registry[object], entry: Entry) -> Finding:
    start = time.perf_counter()
    made, problem, blocked = "", "", blocked_by(entry)
    if not is_name(entry.name):
        problem = f'"{entry.name}" is not a valid name ([a-z][a-z0-9._-]*)'
    elif not blocked:
        try:
            if entry.name.endswith("/*"):
                registry.family(f"{entry.distribution}:{entry.name[:-2]}")
            else:
                found = registry[f"{entry.distribution}:{entry.name}"]
                registry.entry(entry.name)
                made = _make(found) if kind == "tokenizers" else ""
        except TokenryError as error:
            problem = str(error)
    seconds = time.perf_counter() - start
    version = entry.version
    return Finding(kind, entry.name, entry.distribution, version, seconds, made, problem, blocked)


def _make(tokenizer: Any) -> str:
    """Make a tokenizer with its defaults, and say what it still needs."""
    try:
        asked = [option.name for option in options_of(tokenizer.Config) if option.required]
        if asked:
            return f"asks for {', '.join(asked)}"
        return "ready" if tokenizer().is_fitted else "to be trained"
    except Exception as error:  # whatever a stranger's class raises
        raise BrokenPlugin(f"cannot be made: {type(error).__name__}: {error}") from error


def _line(finding: Finding) -> str:
    state = "blocked" if finding.blocked else "BROKEN" if finding.problem else "ok"
    what = f"{finding.kind}: {finding.name.replace('/*', '/…')}"
    reason = finding.problem or (f"by {finding.blocked}" if finding.blocked else finding.made)
    return (
        f"{state:8s} {what:32s} {finding.distribution} {finding.version}"
        f"  {finding.seconds * 1e3:.0f} ms{'  ' + reason if reason else ''}"
    )
