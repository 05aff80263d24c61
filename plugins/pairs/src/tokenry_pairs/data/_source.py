"""The source `labeled-images`: a row is a set of images of one individual."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pyarrow as pa
from annotated_types import Ge

from tokenry_core import build_config, mark, require, with_doc

from ._read_labels import labeled_images

__all__ = ["LabeledImagesConfig", "LabeledImagesSource"]

SCHEMA = pa.schema(
    [
        ("set_id", pa.string()),
        ("set", pa.list_(pa.string())),
        ("label", pa.string()),
    ],
    metadata={"tokenry.id": "set_id"},
)


@dataclass(frozen=True)
class LabeledImagesConfig:
    """Options of the `labeled-images` source."""

    path: str = with_doc(
        "a CSV or Parquet file with paths and labels, or a folder with a folder for each label"
    )
    images_per_set: Annotated[int, Ge(0)] = with_doc(
        "images of a set; 0: one set for each label, with all of its images", 0
    )
    x: str = with_doc("the column of paths, which are relative to the file", "x")
    y: str = with_doc("the column of labels", "y")
    fragment_sets: Annotated[int, Ge(1)] = with_doc("sets that are encoded together", 64)


class ImageSet(NamedTuple):
    """One row: images of one individual."""

    set_id: str
    images: list[str]
    label: str


@dataclass(frozen=True)
class ImageSetFragment:
    """Image sets that are encoded and written together."""

    id: str
    digest: str
    sets: tuple[ImageSet, ...]
    file: str

    def read(self, columns: Sequence[str] | None, rows: int) -> Iterator[pa.RecordBatch]:
        """Batches of paths: whoever needs the pixels opens the files, where the work is done."""
        names = SCHEMA.names if columns is None else require(SCHEMA, list(columns))
        names = [*names, *(["set_id"] if "set_id" not in names else [])]
        for start in range(0, len(self.sets), rows):
            part = zip(*self.sets[start : start + rows], strict=True)
            arrays = [pa.array(list(c), f.type) for c, f in zip(part, SCHEMA, strict=True)]
            batch = pa.RecordBatch.from_arrays(arrays, schema=SCHEMA).select(names)
            yield mark(batch, id_col="set_id", file=self.file)


class LabeledImagesSource:
    r"""Sets of labelled images; columns set_id, set (a list of paths) and label.

    A label's images are taken in the order of their paths, and every `images_per_set` neighbours
    make a set; the last one may be smaller. Sets come label by label, in the order of the labels.

    >>> import tempfile
    >>> table = Path(tempfile.mkdtemp(), "dogs.csv")
    >>> _ = table.write_text("x,y\nb.jpg,rex\na.jpg,rex\nc.jpg,ada\n")
    >>> source = LabeledImagesSource(path=str(table), images_per_set=2)
    >>> [(one.set_id, len(one.images)) for one in source.sets]
    [('ada-0', 1), ('rex-0', 2)]
    """

    Config = LabeledImagesConfig
    schema = SCHEMA

    def __init__(self, config: LabeledImagesConfig | None = None, /, **options: Any) -> None:
        self.config = config or build_config(LabeledImagesConfig, options)

    @cached_property
    def sets(self) -> list[ImageSet]:
        """Every set, in order."""
        groups: dict[str, list[str]] = {}
        config = self.config
        for path, label in sorted(labeled_images(config.path, config.x, config.y)):
            groups.setdefault(label, []).append(path)
        return [one for label in sorted(groups) for one in self._divided(label, groups[label])]

    def fragments(self) -> Sequence[ImageSetFragment]:
        """Runs of `fragment_sets` sets; the digest changes with the files' sizes and times."""
        size, file = self.config.fragment_sets, Path(self.config.path).name
        parts = [self.sets[start : start + size] for start in range(0, len(self.sets), size)]
        return [
            ImageSetFragment(f"sets-{number:05d}", _digest(part), tuple(part), file)
            for number, part in enumerate(parts)
        ]

    def _divided(self, label: str, images: list[str]) -> Iterator[ImageSet]:
        size = self.config.images_per_set
        if not size:
            yield ImageSet(label, images, label)
            return
        for number, start in enumerate(range(0, len(images), size)):
            yield ImageSet(f"{label}-{number}", images[start : start + size], label)


def _digest(sets: Sequence[ImageSet]) -> str:
    total = hashlib.sha256()
    for one in sets:
        total.update(f"{one.set_id}\0{one.label}\n".encode())
        for path in one.images:
            total.update(f"{os.path.basename(path)}\0{_version(path)}\n".encode())
    return total.hexdigest()


def _version(path: str) -> str:
    """Give a text that changes when the file does."""
    try:
        info = os.stat(path)
    except OSError:
        return "missing"
    return f"{info.st_size}:{info.st_mtime_ns}"
