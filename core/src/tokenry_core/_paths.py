"""What a path means: a file, folder, glob or URL, the same to every source."""

from __future__ import annotations

import glob
import os
import posixpath
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from .errors import DataError

__all__ = ["expand", "open_input", "relative_names"]


def expand(path: str | os.PathLike[str] | Sequence[str], suffix: str = ".parquet") -> list[str]:
    """Give the files that a path, glob, folder or URL stands for, sorted, each once.

    A folder stands for the files with this suffix anywhere below it, as the glob `**/*SUFFIX`
    does: links are followed, and what begins with a dot is hidden.
    """
    if not isinstance(path, str | os.PathLike):
        found = [file for one in path for file in expand(one, suffix)]
    elif "://" in str(path):
        try:
            found = _expand_remote(str(path), suffix)
        except OSError as error:  # no answer, no permission
            raise DataError(f'"{path}" cannot be listed: {error}') from None
    else:
        found = _expand_local(os.path.expanduser(os.fspath(path)), suffix)
    if not found:
        raise DataError(f'no files match "{path}"; give a file, a folder with {suffix}, or a glob')
    # One file may be spelled in two ways, or reached by two links; it is read once, and the order
    # does not depend on how.
    once: dict[str, str] = {}
    for file in sorted(found, key=lambda file: (len(_place(file)), _place(file))):
        once.setdefault(file if "://" in file else os.path.realpath(file), file)
    return sorted(once.values(), key=_place)


def open_input(path: str) -> Any:
    """Open a local or remote file for reading."""
    if "://" not in path:
        return pa.OSFile(path)
    fs, inner = _filesystem(path)
    return fs.open(inner, "rb")


def relative_names(paths: Sequence[str]) -> list[str]:
    """Give each path as seen from the folder that all have in common.

    >>> relative_names(["data/a/x.parquet", "data/b/x.parquet"])
    ['a/x.parquet', 'b/x.parquet']
    """
    if len(paths) == 1:
        return [posixpath.basename(paths[0])]
    parts = [_place(path).split("/") for path in paths]
    common = 0
    while parts and all(len(p) > common + 1 and p[common] == parts[0][common] for p in parts):
        common += 1
    return ["/".join(filter(None, p[common:])) for p in parts]


def _expand_local(path: str, suffix: str) -> list[str]:
    if os.path.isdir(path):
        return _glob_local(os.path.join(glob.escape(path), "**", f"*{suffix}"), suffix)
    if os.path.exists(path):
        return [path]
    if glob.has_magic(path):
        return _glob_local(path, suffix)
    raise DataError(f'"{path}" does not exist; give a file, a folder or a glob')


def _glob_local(pattern: str, suffix: str) -> list[str]:
    found = glob.glob(pattern, recursive=True)
    # A folder called x.parquet is a table in parts, as Spark writes it.
    folders = [one for one in found if one.endswith(suffix) and os.path.isdir(one)]
    files = [one for one in found if os.path.isfile(one)]
    return files + [file for folder in folders for file in _expand_local(folder, suffix)]


def _place(path: str) -> str:
    return path if "://" in path else Path(os.path.abspath(path)).as_posix()


def _expand_remote(url: str, suffix: str) -> list[str]:
    fs, inner = _filesystem(url)
    protocol = url.split("://", 1)[0]
    if fs.isdir(inner):
        found = [path for path in fs.find(inner) if path.endswith(suffix)]
        found = _not_hidden(found, inner.rstrip("/"))
    elif glob.has_magic(inner):
        matches = fs.glob(inner, detail=True)
        found = [path for path, info in matches.items() if info["type"] != "directory"]
        found = _not_hidden(found, re.split(r"[*?\[]", inner)[0].rpartition("/")[0])
    else:
        found = [inner]
    # Some file systems keep the protocol in their paths, others a leading slash.
    return [
        path
        if "://" in path
        else f"{protocol}://{path.lstrip('/') if protocol != 'file' else path}"
        for path in found
    ]


def _not_hidden(paths: list[str], folder: str) -> list[str]:
    """Leave out what a local glob leaves out: names with a dot in front, below the folder."""
    return [path for path in paths if "/." not in path[len(folder) :]]


def _filesystem(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    try:
        fs, inner = url_to_fs(url)
    except (ImportError, ValueError, TypeError, OSError) as error:  # as each file system likes
        raise DataError(f'"{url}" cannot be opened: {error}') from None
    return fs, inner
