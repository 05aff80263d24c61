"""`tokenry describe NAME`: one plugin and its options."""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from tokenry_core.errors import UnknownName, nearest

from ..registry import registries

if TYPE_CHECKING:
    from ..registry._describe import Description

__all__ = ["main"]


def main(argv: Sequence[str]) -> int:
    """Print what a name stands for, in whichever registry has it."""
    parser = argparse.ArgumentParser("tokenry describe", description="Describe one plugin.")
    parser.add_argument("name", help="a name as in `tokenry list`")
    parser.add_argument("--kind", choices=list(registries), help="where several kinds have it")
    parser.add_argument("--json", action="store_true", help="as JSON")
    args = parser.parse_args(argv)
    kinds = (
        [args.kind] if args.kind else [k for k, found in registries.items() if args.name in found]
    )
    if not kinds:
        raise _unknown(args.name)
    described = [registries[kind].describe(args.name) for kind in kinds]
    if args.json:
        print(json.dumps([asdict(one) for one in described], indent=2))
    else:
        print("\n\n".join(map(_text, described)))
    return 0


def _text(found: Description) -> str:
    lines = [
        f"{found.name}  ({found.group}, {found.distribution} {found.version})",
        *textwrap.wrap(found.summary, 96),
        f"class: {found.object}",
    ]
    if found.options:
        lines += ["", "options:"]
    for option in found.options:
        default = "required" if option.required else f"default {json.dumps(option.default)}"
        lines.append(f"  {option.name}: {option.allowed}; {default}")
        lines += textwrap.wrap(option.doc, 92, initial_indent="      ", subsequent_indent="      ")
    return "\n".join(lines)


def _unknown(name: str) -> UnknownName:
    # A registry's own message also knows what to install.
    from tokenry_core._known import package_for

    for registry in registries.values():
        if package_for(registry.group, name):
            return registry._unknown(name)
    known = [found for registry in registries.values() for found in registry]
    return UnknownName(
        f'"{name}" is in none of the registries; `tokenry list` shows what there is.'
        f"{nearest(name, known)}"
    )
