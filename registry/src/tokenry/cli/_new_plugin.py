"""`tokenry new-plugin NAME`: a working plugin package to start from."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from importlib.resources import files
from keyword import iskeyword
from pathlib import Path
from string import Template

from tokenry_core._registry import NAME
from tokenry_core.errors import ConfigError

from ..registry import registries

__all__ = ["main", "write_plugin"]

KINDS = ("tokenizer", "source", "model", "sink", "engine")


def main(argv: Sequence[str]) -> int:
    """Write the package and say what to do next."""
    parser = argparse.ArgumentParser(
        "tokenry new-plugin", description="Write a working plugin package to start from."
    )
    parser.add_argument("name", help="like light-curve; tokenry-light-curve provides light-curve")
    parser.add_argument("--kind", choices=KINDS, default="tokenizer", help="default: tokenizer")
    parser.add_argument("--directory", type=Path, default=Path(), help="where; default: here")
    args = parser.parse_args(argv)
    folder = write_plugin(args.name, args.kind, args.directory)
    article = "an" if args.kind == "engine" else "a"
    print(f"{folder}: {article} {args.kind} plugin. Next:")
    print(f"  pip install -e '{folder}[test]'")
    print(f"  pytest {folder}")
    print(f"  tokenry describe {_plugin_name(args.name)}")
    return 0


def write_plugin(name: str, kind: str, directory: Path) -> Path:
    """Write the package into `directory`/`name` and give that folder."""
    folder = directory / name
    distribution, name = name, _plugin_name(name)
    _check(name, kind, folder)
    needs = ["tokenry-core>=0.1,<0.2", *(["torch>=2.6"] if kind == "model" else [])]
    values = {
        "dependencies": ", ".join(f'"{need}"' for need in needs),
        "distribution": distribution,
        "name": name,
        "kind": kind,
        "module": "_".join(_words(distribution)),
        "field": "_".join(_words(name)),
        "Class": "".join(word.capitalize() for word in _words(name)),
    }
    templates = files(__package__) / "templates"
    for source, target in _FILES.items():
        text = (templates / source.format(kind=kind)).read_text(encoding="utf-8")
        path = folder / target.format(**values)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(Template(text).substitute(values), encoding="utf-8")
    (folder / "src" / values["module"] / "py.typed").touch()
    return folder


def _plugin_name(distribution: str) -> str:
    """Give the name to look the plugin up by: that of its distribution, without `tokenry-`."""
    return distribution.removeprefix("tokenry-")


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[._-]+", name) if word]


_FILES = {
    "pyproject.toml.txt": "pyproject.toml",
    "README.md.txt": "README.md",
    "init.py.txt": "src/{module}/__init__.py",
    "{kind}.py.txt": "src/{module}/_{kind}.py",
    "test_{kind}.py.txt": "tests/test_{module}.py",
}


def _check(name: str, kind: str, folder: Path) -> None:
    if not NAME.fullmatch(name) or iskeyword(name):
        raise ConfigError(
            f'"{name}" cannot be a plugin\'s name; allowed are small letters, digits, and . _ -'
            " after a first letter, but no word of Python"
        )
    registry = registries[f"{kind}s"]
    if name in registry:
        raise ConfigError(
            f'"{name}" is taken: {registry.entry(name)} provides a {kind} of that name'
        )
    if folder.exists():
        raise ConfigError(f"{folder} exists already; choose another name or --directory")
