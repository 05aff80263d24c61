"""From a worker's temporary files to finished shards, so that a crash loses nothing."""

from __future__ import annotations

import os
from pathlib import Path

from tokenry_core._sinks import PARTIAL

from ._task import FragmentResult

__all__ = ["commit", "is_whole", "remove_leftovers", "sync_folder"]


def commit(folder: Path, result: FragmentResult) -> None:
    """Give a fragment's files, already on the disk, their names."""
    for name in result.partial:
        final = name.removesuffix(PARTIAL)
        os.replace(name, final)
        result.files.append((os.path.relpath(final, folder), os.path.getsize(final)))
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
