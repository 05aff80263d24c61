"""Entry points of everything installed, from package metadata alone.

Nothing is imported. Reading the metadata of a hundred distributions costs more than the rest of a
short command, so the result is kept in a cache file that is valid while no folder on the path and
no metadata file in it has changed.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from typing import Any

__all__ = ["Entry", "discover", "normalized", "rediscover"]

_FORMAT = 1
_found: tuple[Entry, ...] | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry point: a name that a distribution claims in a group, and where its object is."""

    group: str
    name: str
    value: str
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.distribution} {self.version} ({self.value})"


def discover() -> tuple[Entry, ...]:
    """Give every entry point, each distribution counted once, in the order of the path."""
    global _found
    if _found is None:
        _found = _cached() or _scanned()
    return _found


def rediscover() -> None:
    """Forget what was found, so that the next look sees what has been installed since."""
    global _found
    _found = None


def normalized(distribution: str) -> str:
    """Give the one spelling of a distribution's name.

    >>> normalized("Tokenry_Scalar")
    'tokenry-scalar'
    """
    out = distribution.lower()
    for sign in "_.":
        out = out.replace(sign, "-")
    while "--" in out:
        out = out.replace("--", "-")
    return out


def _scanned() -> tuple[Entry, ...]:
    from importlib.metadata import distributions

    entries: list[Entry] = []
    files: dict[str, Any] = {}
    seen: set[str] = set()
    for distribution in distributions():
        name = distribution.metadata["Name"]
        if not name or normalized(name) in seen:
            continue  # a broken installation, or one that is shadowed
        seen.add(normalized(name))
        points = [p for p in distribution.entry_points if not p.group.endswith("_scripts")]
        if not points:
            continue
        version = distribution.version or "?"
        entries += [Entry(p.group, p.name, p.value, normalized(name), version) for p in points]
        where = getattr(distribution, "_path", None)
        if where is not None:
            file = os.path.join(str(where), "entry_points.txt")
            files[file] = _stamp(file)
    _store({"files": files, "entries": [_row(entry) for entry in entries]})
    return tuple(entries)


def _cached() -> tuple[Entry, ...] | None:
    try:
        with open(_cache_file(), encoding="utf-8") as file:
            cache = json.load(file)
        if cache["folders"] != _folders():
            return None
        if any(_stamp(file) != stamp for file, stamp in cache["files"].items()):
            return None
        return tuple(Entry(*row) for row in cache["entries"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _store(found: dict[str, Any]) -> None:
    file = _cache_file()
    partial = f"{file}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(partial, "w", encoding="utf-8") as out:
            json.dump({"folders": _folders(), **found}, out)
        os.replace(partial, file)
    except OSError:
        return  # a cache that cannot be written only costs time


def _cache_file() -> str:
    # hash() of strings differs between processes; zlib's checksum does not.
    from zlib import crc32

    base = os.environ.get("TOKENRY_CACHE_DIR") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "tokenry"
    )
    path = "\0".join([str(_FORMAT), sys.version, *sys.path])
    return os.path.join(base, f"entry-points-{crc32(path.encode()):08x}.json")


def _folders() -> dict[str, Any]:
    return {folder or ".": _stamp(folder or ".") for folder in sys.path}


def _stamp(file: str) -> list[int] | None:
    try:
        info = os.stat(file)
    except OSError:
        return None
    return [info.st_mtime_ns, info.st_size]


def _row(entry: Entry) -> list[str]:
    return [entry.group, entry.name, entry.value, entry.distribution, entry.version]
