"""`tokenry list`: what is installed, from package metadata alone."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from ..registry import registries

__all__ = ["main"]


def main(argv: Sequence[str]) -> int:
    """Print every name with the distribution that provides it."""
    parser = argparse.ArgumentParser("tokenry list", description="List what is installed.")
    parser.add_argument("kind", nargs="?", choices=list(registries), help="only this kind")
    parser.add_argument("--json", action="store_true", help="as JSON")
    args = parser.parse_args(argv)
    kinds = [args.kind] if args.kind else list(registries)
    found = {kind: _rows(kind) for kind in kinds}
    if args.json:
        import json

        print(json.dumps(found, indent=2))
    else:
        print("\n".join(_lines(found)))
    return 0


def _rows(kind: str) -> list[dict[str, Any]]:
    from tokenry_core._policy import blocked_by
    from tokenry_core._registry import is_name

    registry = registries[kind]
    claims: dict[str, int] = {}
    for entry in registry.entries():
        claims[entry.name] = claims.get(entry.name, 0) + 1
    rows = []
    for entry in sorted(registry.claims(), key=lambda entry: (entry.name, entry.distribution)):
        blocked = blocked_by(entry)
        note = f"blocked by {blocked}" if blocked else ""
        if not is_name(entry.name):
            note = "not a valid name: it is ignored"
        elif not blocked and claims[entry.name] > 1:
            note = f'claimed by several: say "{entry.distribution}:{entry.name}"'
        rows.append(
            {
                "name": entry.name.replace("/*", "/…"),
                "distribution": entry.distribution,
                "version": entry.version,
                "object": entry.value,
                "note": note,
            }
        )
    return rows


def _lines(found: Mapping[str, list[dict[str, Any]]]) -> list[str]:
    rows = [row for kind in found.values() for row in kind]
    width = max((len(row["name"]) for row in rows), default=0)
    lines: list[str] = []
    for kind, members in found.items():
        lines.append(kind)
        for row in members:
            note = f"  ({row['note']})" if row["note"] else ""
            lines.append(f"  {row['name']:{width}s}  {row['distribution']} {row['version']}{note}")
        if not members:
            lines.append("  none")
    return lines
