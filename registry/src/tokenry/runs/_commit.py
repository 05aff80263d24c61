"""From a worker's temporary files to finished shards, so that a crash loses nothing."""

from __future__ import annotations

import os
from pathlib import Path

from tokenry_core._sinks import PARTIAL
from tokenry_core.errors import DataError

from ._task import FragmentResult

__all__ = ["commit", "is_whole", "made", "remove_leftovers", "sync_folder"]


def made(folder: Path, place: str) -> None:
    """Make a folder that a run file names at this place, or say why it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # ValueError: a zero byte
        why = getattr(error, "strerror", None) or error
        raise DataError(f"{place}: {folder} cannot be made a folder: {why}") from error


def commit(folder: Path, result: FragmentResult, owners: dict[str, str]) -> None:
    """Give a fragment's files, already on the disk, their names.

    `owners` says which fragment has which name. A sink that names files by ids may give two
    fragments one name: the second is then quarantined, and the first one's file stays.
    """
    named = {name: os.path.relpath(name.removesuffix(PARTIAL), folder) for name in result.partial}
    taken = [name for name in named.values() if owners.get(name, result.stem) != result.stem]
    if taken:
        result.failed = (
            f"{taken[0]} belongs to {owners[taken[0]]} already: two rows have the same id"
        )
        result.rows_in = result.rows_out = result.filtered = 0
        result.bad, result.missing, result.counts = [], [], {}
        return
    for partial, name in named.items():
        os.replace(partial, folder / name)
        result.files.append((name, os.path.getsize(folder / name)))
        owners[name] = result.stem
    result.files.sort()
    for parent in sorted({os.path.dirname(name) for name in result.partial}):
        sync_folder(Path(parent))


def is_whole(folder: Path, result: FragmentResult) -> bool:
    """Whether every file of a finished fragment is there with its size."""
    try:
        return all(os.path.getsize(folder / name) == size for name, size in result.files)
    except OSError:
        return False


def remove_leftovers(folder: Path) -> None:
    """Remove what a killed run was writing."""
    for file in folder.rglob(f"*{PARTIAL}"):
        file.unlink()


def sync_folder(folder: Path) -> None:
    """Put a rename on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
