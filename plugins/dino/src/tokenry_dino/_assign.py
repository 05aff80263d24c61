"""`tokenry dino assign-buckets`: an aspect bucket for every image of a dataset."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from tokenry_core.errors import ConfigError, DataError

from ._buckets import DEFAULT_BUCKETS, assign_bucket
from ._decode import image_size
from ._records import image_path, json_lines, read_folder

__all__ = ["Assigned", "assign_buckets"]

_CHUNK = 4096


class Assigned(NamedTuple):
    """What became of a dataset: images in each bucket, and those that cannot be read."""

    output: Path
    buckets: dict[str, int]
    unreadable: dict[str, str]


def assign_buckets(
    dataset: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    buckets: Sequence[tuple[int, int]] = DEFAULT_BUCKETS,
    reassign: bool = False,
) -> Assigned:
    """Write a JSONL that gives every image of a folder or JSONL the nearest aspect bucket.

    Records keep their order and their other fields; a bucket that is there stays, unless
    `reassign`. An image that cannot be read gets null, and will be quarantined when it is encoded.
    The file is written whole or not at all, and never over another.
    """
    source, target = Path(dataset).expanduser(), Path(output).expanduser()
    if target.exists():
        raise ConfigError(f'"{target}" is there already; give another --output, or remove it')
    found = Assigned(target, {}, {})
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(partial, "w", encoding="utf-8") as out, ThreadPoolExecutor() as pool:
            records = _records(source, target)
            while chunk := list(islice(records, _CHUNK)):
                sizes = pool.map(lambda pair: _size(pair, reassign), chunk)
                for (record, _), size in zip(chunk, sizes, strict=True):
                    _assign(record, size, buckets, found)
                    out.write(json.dumps(record, ensure_ascii=False) + "\n")
            out.flush()
            os.fsync(out.fileno())
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    return found


def _records(source: Path, target: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """Give each record with the full path of its image."""
    if source.is_dir():
        base = target.absolute().parent
        for image in read_folder(source):
            path = os.path.relpath(Path(image.path).absolute(), base)
            yield {"image_id": image.image_id, "image_path": Path(path).as_posix()}, image.path
        return
    if not source.is_file():
        raise DataError(f'"{source}" does not exist; give a folder of images, or a JSONL')
    folder = source.absolute().parent
    if target.absolute().parent != folder:
        raise ConfigError(
            f"image paths are relative to {source}: write the new file into the same folder, and"
            f' not as "{target}"'
        )
    for where, record in json_lines(source):
        yield record, image_path(record, where, folder)


def _size(pair: tuple[dict[str, Any], str], reassign: bool) -> tuple[int, int] | str | None:
    """Give an image's size, the reason why it has none, or None where a bucket is there."""
    record, path = pair
    if record.get("aspect_bucket") is not None and not reassign:
        return None
    try:
        return image_size(path)
    except DataError as error:
        return str(error)


def _assign(
    record: dict[str, Any],
    size: tuple[int, int] | str | None,
    buckets: Sequence[tuple[int, int]],
    found: Assigned,
) -> None:
    if isinstance(size, tuple):
        record["aspect_bucket"] = str(assign_bucket(*size, buckets))
    elif isinstance(size, str):
        record["aspect_bucket"] = None
        found.unreadable[record["image_path"]] = size
    name = str(record["aspect_bucket"])
    found.buckets[name] = found.buckets.get(name, 0) + 1
