"""What a path means: a file, folder, glob or URL, the same to every source."""

from __future__ import annotations

import glob
import os
import posixpath
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from .errors import DataError

__all__ = ["expand", "open_input", "relative_names"]


def expand(path: str | os.PathLike[str] | Sequence[str], suffix: str = ".parquet") -> list[str]:
    """Give the files that a path, glob, folder or URL stands for, sorted, each once.

    A folder stands for the files with this suffix anywhere below it.
    """
    if not isinstance(path, str | os.PathLike):
        found = [file for one in path for file in expand(one, suffix)]
    elif "://" in str(path):
        found = _expand_remote(str(path), suffix)
    else:
        found = _expand_local(os.path.expanduser(os.fspath(path)), suffix)
    if not found:
        raise DataError(f'no files match "{path}"; give a file, a folder with {suffix}, or a glob')
    return sorted(set(found))


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
    remote = any("://" in path for path in paths)
    texts = list(paths) if remote else [Path(path).absolute().as_posix() for path in paths]
    common = posixpath.commonpath(texts)
    return [posixpath.relpath(text, common) for text in texts]


def _expand_local(path: str, suffix: str) -> list[str]:
    if os.path.isdir(path):
        return [str(file) for file in Path(path).rglob(f"*{suffix}") if file.is_file()]
    if os.path.exists(path):
        return [path]
    if glob.has_magic(path):
        return [file for file in glob.glob(path, recursive=True) if os.path.isfile(file)]
    raise DataError(f'"{path}" does not exist; give a file, a folder or a glob')


def _expand_remote(url: str, suffix: str) -> list[str]:
    fs, inner = _filesystem(url)
    protocol = url.split("://", 1)[0]
    if fs.isdir(inner):
        found = [path for path in fs.find(inner) if path.endswith(suffix)]
    elif glob.has_magic(inner):
        found = fs.glob(inner)
    else:
        found = [inner]
    return [f"{protocol}://{path.lstrip('/') if protocol != 'file' else path}" for path in found]


def _filesystem(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    try:
        fs, inner = url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise DataError(f'"{url}" cannot be opened: {error}') from None
    return fs, inner
