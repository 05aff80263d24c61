"""Patches added to WebDataset shards that are there already, by key."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from urllib.parse import unquote

from tokenry_core.errors import ConfigError, DataError

from ._records import check_id
from ._sink_webdataset import add_member

__all__ = ["add_to_shards"]


def add_to_shards(
    shards: Sequence[str | os.PathLike[str]],
    patches: str | os.PathLike[str],
    output: str | os.PathLike[str],
    field: str = "dino_patches",
) -> list[Path]:
    """Write each shard anew into `output`, every sample with its patches; the old ones stay.

    `patches` is a folder of ID.npy, ID being the last part of a sample's key. A sample without
    patches is an error. A new shard is written whole or not at all.
    """
    target = Path(output)
    target.mkdir(parents=True, exist_ok=True)
    done = []
    for shard in map(Path, shards):
        new = target / shard.name
        if new.exists():
            raise ConfigError(f'"{new}" is there already; give another folder as output')
        partial = new.with_name(f"{new.name}.{os.getpid()}.partial")
        try:
            _copy(shard, partial, Path(patches), field)
            os.replace(partial, new)
        finally:
            partial.unlink(missing_ok=True)
        done.append(new)
    return done


def _copy(shard: Path, new: Path, patches: Path, field: str) -> None:
    try:
        with tarfile.open(shard) as old, open(new, "wb") as file:
            with tarfile.open(fileobj=file, mode="w") as out:
                for key, members in groupby(_files(old), _key):
                    for member in members:
                        if member.name == f"{key}.{field}.npy":
                            raise ConfigError(f"{shard}: {member.name} is there already")
                        out.addfile(member, old.extractfile(member))
                    add_member(out, f"{key}.{field}.npy", _patches(patches, key, shard))
            file.flush()
            os.fsync(file.fileno())
    except tarfile.TarError as error:
        raise DataError(f"{shard}: cannot be read as a shard: {error}") from None


def _files(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    return (member for member in tar if member.isfile())


def _key(member: tarfile.TarInfo) -> str:
    """Give a member's key as the webdataset library does: up to the first dot of its name."""
    folder, slash, name = member.name.rpartition("/")
    return folder + slash + name.partition(".")[0]


def _patches(folder: Path, key: str, shard: Path) -> bytes:
    image_id = check_id(unquote(key.rpartition("/")[2]), f"{shard}: {key}")
    try:
        return (folder / f"{image_id}.npy").read_bytes()
    except FileNotFoundError:
        raise DataError(
            f"{shard}: the sample {key} has no patches: there is no {folder / image_id}.npy"
        ) from None
