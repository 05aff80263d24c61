"""The source `images`: a folder or JSONL of images, in fragments of one aspect bucket."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pyarrow as pa
from annotated_types import Ge, MinLen

from tokenry_core import build_config, mark, require, with_doc
from tokenry_core.errors import DataError

from ._buckets import DEFAULT_BUCKETS, assign_bucket
from ._config import Side
from ._records import Record, read_folder, read_jsonl

__all__ = ["ImageFragment", "ImagesConfig", "ImagesSource"]

SCHEMA = pa.schema(
    [
        ("image_id", pa.string()),
        ("image", pa.string()),
        ("aspect_bucket", pa.string()),
        ("row", pa.int64()),
    ],
    metadata={"tokenry.id": "image_id"},
)
_UNKNOWN = "unknown"


@dataclass(frozen=True)
class ImagesConfig:
    """Options of the `images` source."""

    path: str = with_doc("a folder of images, or a JSONL with image_path and aspect_bucket")
    buckets: Annotated[tuple[tuple[Side, Side], ...], MinLen(1)] = with_doc(
        "for the images of a folder: each is assigned the nearest",
        tuple(tuple(bucket) for bucket in DEFAULT_BUCKETS),
    )
    fragment_bytes: Annotated[int, Ge(1)] = with_doc(
        "bound on the sizes of a fragment's files together", 64 << 20
    )
    fragment_images: Annotated[int, Ge(1)] = with_doc("bound on a fragment's images", 64)


class Row(NamedTuple):
    """One image of a fragment, and its place in the dataset."""

    image_id: str
    path: str
    bucket: str | None
    row: int


@dataclass(frozen=True)
class ImageFragment:
    """Images of one bucket that are encoded and written together."""

    id: str
    digest: str
    images: tuple[Row, ...]
    file: str

    def read(self, columns: Sequence[str] | None, rows: int) -> Iterator[pa.RecordBatch]:
        """Batches of paths: whoever needs the pixels opens the files, where the work is done."""
        names = SCHEMA.names if columns is None else require(SCHEMA, list(columns))
        names = [*names, *(["image_id"] if "image_id" not in names else [])]
        for start in range(0, len(self.images), rows):
            part = self.images[start : start + rows]
            arrays = [
                pa.array(column, field.type)
                for column, field in zip(zip(*part, strict=True), SCHEMA, strict=True)
            ]
            batch = pa.RecordBatch.from_arrays(arrays, schema=SCHEMA).select(names)
            yield mark(batch, id_col="image_id", file=self.file)


class ImagesSource:
    """Images of a folder or JSONL; columns image_id, image (a path), aspect_bucket and row.

    Every fragment holds images of one bucket, so that they can share a batch; `row` is the place
    in the dataset. The images of a folder are assigned their buckets by the size in their headers;
    those whose header cannot be read form fragments of their own.
    """

    Config = ImagesConfig
    schema = SCHEMA

    def __init__(self, config: ImagesConfig | None = None, /, **options: Any) -> None:
        self.config = config or build_config(ImagesConfig, options)

    @cached_property
    def records(self) -> list[Record]:
        """Every image of the dataset, in its order."""
        path = os.path.expanduser(self.config.path)
        if os.path.isdir(path):
            with ThreadPoolExecutor(min(32, 4 * (os.cpu_count() or 1))) as pool:
                return list(pool.map(self._assigned, read_folder(path)))
        if os.path.isfile(path):
            return read_jsonl(path)
        raise DataError(
            f'"{self.config.path}" does not exist; give a folder of images, or a JSONL with'
            " image_path and aspect_bucket"
        )

    def fragments(self) -> Sequence[ImageFragment]:
        """Bucket by bucket; within one, the dataset's order."""
        groups: dict[str, list[tuple[Row, str, int]]] = {}
        for number, record in enumerate(self.records):
            size, version = _stat(record.path)
            row = Row(*record, number)
            groups.setdefault(record.bucket or _UNKNOWN, []).append((row, version, size))
        return [
            _fragment(f"{bucket}-{number:05d}", part, Path(self.config.path).name)
            for bucket, members in groups.items()
            for number, part in enumerate(self._parts(members))
        ]

    def _parts(self, members: list[tuple[Row, str, int]]) -> Iterator[list[tuple[Row, str, int]]]:
        part: list[tuple[Row, str, int]] = []
        room = self.config.fragment_bytes
        for member in members:
            if part and (member[2] > room or len(part) == self.config.fragment_images):
                yield part
                part, room = [], self.config.fragment_bytes
            part.append(member)
            room -= member[2]
        yield part

    def _assigned(self, record: Record) -> Record:
        from ._decode import image_size

        try:
            size = image_size(record.path)
        except DataError:
            return record  # reading it will say what is wrong
        return record._replace(bucket=str(assign_bucket(*size, self.config.buckets)))


def _stat(path: str) -> tuple[int, str]:
    """Give a file's size, and a text that changes when the file does."""
    try:
        info = os.stat(path)
    except OSError:
        return 0, "missing"
    return info.st_size, f"{info.st_size}:{info.st_mtime_ns}"


def _fragment(name: str, part: list[tuple[Row, str, int]], file: str) -> ImageFragment:
    total = hashlib.sha256()
    for row, version, _ in part:
        total.update(f"{row.image_id}\0{row.bucket}\0{row.row}\0{version}\n".encode())
    return ImageFragment(name, total.hexdigest(), tuple(row for row, _, _ in part), file)
