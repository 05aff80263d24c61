"""Entry points of everything installed, from package metadata alone.

Nothing is imported. Reading the metadata of a hundred distributions costs more than the rest of a
short command, so the result is kept in a cache file that is valid while no folder on the path and
no `entry_points.txt` in it has changed. What cannot be read or parsed is left out, or left for
its own plugin to stumble over: it never hides what others provide.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Entry", "discover", "loaded", "normalized", "rediscover"]

_FORMAT = 2
_SETTLED = 100_000_000  # ns; file systems stamp changes in ticks of some milliseconds
_found: tuple[Entry, ...] | None = None
_loaded: dict[str, dict[str, Any]] = {}


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
        cached = _cached()
        _found = _scanned() if cached is None else cached
    return _found


def loaded(group: str) -> dict[str, Any]:
    """Give what has been loaded of a group, by name; the same mapping every time."""
    return _loaded.setdefault(group, {})


def rediscover(*, path: bool = True) -> None:
    """Forget what was loaded; with `path` also what was found, so that new installs are seen."""
    global _found
    for names in list(_loaded.values()):
        names.clear()
    if path:
        import importlib

        importlib.invalidate_caches()
        _found = None


def normalized(distribution: str) -> str:
    """Give the one spelling of a distribution's name.

    >>> normalized("Tokenry_Scalar")
    'tokenry-scalar'
    """
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _scanned() -> tuple[Entry, ...]:
    from importlib.metadata import distributions

    # Stamps are taken before reading: what changes in between makes the cache stale, never wrong.
    folders = _folders()
    entries: list[Entry] = []
    files: dict[str, Any] = {}
    seen: set[str] = set()
    for distribution in distributions():
        folder = str(getattr(distribution, "_path", ""))
        file = os.path.join(folder, "entry_points.txt")
        files[file] = _stamp(file)
        try:
            name, version = _identity(folder, distribution)
            text = distribution.read_text("entry_points.txt") or ""
        except Exception:  # noqa: S112 - whatever is wrong with it, the others are still there
            continue
        if not name or name in seen:
            continue  # a broken installation, or one that is shadowed
        seen.add(name)
        points = {(group, point): value for group, point, value in reversed([*_points(text)])}
        entries += [Entry(*key, points[key], name, version) for key in reversed(points)]
    _store({"folders": folders, "files": files, "entries": [_row(entry) for entry in entries]})
    return tuple(entries)


def _identity(folder: str, distribution: Any) -> tuple[str, str]:
    """Give name and version; the folder's name has both, and costs no parsing."""
    base = os.path.basename(folder)
    if base.startswith("~"):
        return "", ""  # what pip leaves behind when it cannot remove a folder
    name, dash, version = base.removesuffix(".dist-info").partition("-")
    if dash and name and base.endswith(".dist-info"):
        return normalized(name), version
    metadata = distribution.metadata
    return normalized(metadata.get("Name") or ""), metadata.get("Version") or "?"


def _points(text: str) -> Iterator[tuple[str, str, str]]:
    """Give group, name and value of each line; a line without a value fails when it is loaded."""
    group = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            group = line[1:].partition("]")[0].strip()
        elif line and line[0] not in "#;" and group and not group.endswith("_scripts"):
            name, _, value = line.partition("=")
            yield group, name.strip(), value.strip()


def _cached() -> tuple[Entry, ...] | None:
    try:
        with open(_cache_file(), encoding="utf-8") as file:
            cache = json.load(file)
        if cache["folders"] != _folders():
            return None
        if any(_stamp(file) != stamp for file, stamp in cache["files"].items()):
            return None
        rows = cache["entries"]
        if not all(isinstance(text, str) for row in rows for text in row):
            return None
        return tuple(Entry(*row) for row in rows)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _store(found: dict[str, Any]) -> None:
    import time

    stamps = [*(stamp for _, stamp in found["folders"]), *found["files"].values()]
    newest = max((stamp[0] for stamp in stamps if stamp), default=0)
    if newest > time.time_ns() - _SETTLED:
        return  # another change within the same tick of the clock would not be seen
    file = _cache_file()
    partial = f"{file}.{os.getpid()}.{os.urandom(4).hex()}"
    try:
        os.makedirs(os.path.dirname(file), exist_ok=True)
        try:
            with open(partial, "w", encoding="utf-8") as out:
                json.dump(found, out)
            os.replace(partial, file)
        except BaseException:
            os.unlink(partial)
            raise
    except (OSError, ValueError):
        return  # a cache that cannot be written only costs time


def _cache_file() -> str:
    """Give the file for this interpreter and path; empty where there is no place for one."""
    # hash() of strings differs between processes; zlib's checksum does not.
    from zlib import crc32

    base = os.environ.get("TOKENRY_CACHE_DIR")
    if not base:
        home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        base = os.path.join(home, "tokenry") if os.path.isabs(home) else ""
    path = "\0".join([str(_FORMAT), sys.version, *_path()])
    name = f"entry-points-{crc32(path.encode(errors='replace')):08x}.json"
    return os.path.join(base, name) if base else ""


def _path() -> list[str]:
    return [os.path.abspath(str(folder)) for folder in sys.path]


def _folders() -> list[Any]:
    return [[folder, _stamp(folder)] for folder in _path()]


def _stamp(file: str) -> list[int] | None:
    try:
        info = os.stat(file)
    except (OSError, ValueError):
        return None
    # Images built reproducibly set every mtime to one date; the inode's own change time tells.
    return [info.st_mtime_ns, info.st_ctime_ns, info.st_size]


def _row(entry: Entry) -> list[str]:
    return [entry.group, entry.name, entry.value, entry.distribution, entry.version]
