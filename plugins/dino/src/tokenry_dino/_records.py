"""The images of a dataset: a folder's files, or the records of a JSONL."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tokenry_core.errors import ConfigError, DataError, MissingColumn

from ._buckets import parse_bucket

__all__ = ["SUFFIXES", "Record", "check_id", "json_lines", "read_folder", "read_jsonl"]

SUFFIXES = frozenset(
    (".avif", ".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff")
) | {".webp"}
"""Endings of the files that are taken for images, in small letters."""


class Record(NamedTuple):
    """One image of a dataset, before it is opened."""

    image_id: str
    path: str
    bucket: str | None


def read_folder(folder: str | os.PathLike[str]) -> list[Record]:
    """Give the images anywhere below a folder, in order of their paths; ids are their stems."""
    root = Path(folder).expanduser()
    found = sorted(
        path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()
    )
    if not found:
        raise DataError(
            f'"{folder}" holds no images; files with these suffixes are read:'
            f" {', '.join(sorted(SUFFIXES))}"
        )
    return _unique(Record(check_id(path.stem, str(path)), str(path), None) for path in found)


def read_jsonl(file: str | os.PathLike[str]) -> list[Record]:
    """Give the records of a JSONL with image_path and aspect_bucket, in order.

    Paths are relative to the file. `image_id` is optional: the image's stem stands in.
    """
    folder = Path(file).expanduser().absolute().parent
    return _unique(_record(record, where, folder, file) for where, record in json_lines(file))


def json_lines(file: str | os.PathLike[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give each record of a JSONL and where it stands; blank lines are passed over."""
    try:
        with open(Path(file).expanduser(), encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield (
                        f"{os.fspath(file)}:{number}",
                        _parsed(line, f"{os.fspath(file)}:{number}"),
                    )
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{os.fspath(file)}: cannot be read: {error}") from None


def check_id(image_id: object, where: str) -> str:
    """Give back an id that is safe as the name of a file."""
    text = str(image_id)
    unsafe = not text or text in (".", "..") or any(c in text for c in '/\\:*?"<>|') or ".." in text
    if unsafe or not text.isprintable():
        raise DataError(
            f"{where}: image_id {text!r} is no name of a file; an image_id has no slashes, no"
            ' "..", and none of :*?"<>|'
        )
    return text


def image_path(record: Mapping[str, Any], where: str, folder: Path) -> str:
    """Give the full path of a record's image."""
    path = record.get("image_path")
    if not isinstance(path, str) or not path:
        raise MissingColumn(
            f"{where}: image_path not found; a record has image_path, and has {', '.join(record)}"
        )
    if "://" in path:  # whether such a file has changed could not be told
        raise DataError(f"{where}: image_path {path} is remote; only local files are read: copy it")
    return os.path.normpath(folder / path)


def _record(record: dict[str, Any], where: str, folder: Path, file: Any) -> Record:
    path = image_path(record, where, folder)
    if "aspect_bucket" not in record:
        raise MissingColumn(
            f"{where}: aspect_bucket not found; give every record one with the command"
            f" tokenry dino assign-buckets {os.fspath(file)}"
        )
    named = record["aspect_bucket"]
    try:  # null: no bucket could be assigned, because the image cannot be read
        bucket = None if named is None else str(parse_bucket(named))
    except ConfigError as error:
        raise DataError(f"{where}: aspect_bucket: {error}") from None
    image_id = record.get("image_id")
    image_id = Path(path).stem if image_id is None else image_id
    return Record(check_id(image_id, where), path, bucket)


def _parsed(line: str, where: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise DataError(f"{where}: this is no JSON: {error}") from None
    if not isinstance(record, dict):
        raise DataError(f"{where}: a line is one JSON object; this one is {line.strip():.40}")
    return record


def _unique(records: Iterator[Record]) -> list[Record]:
    seen: dict[str, str] = {}
    out: list[Record] = []
    for record in records:
        if record.image_id in seen:
            raise DataError(
                f'two images have the image_id "{record.image_id}": {seen[record.image_id]} and'
                f" {record.path}; give each record of a JSONL an image_id of its own"
            )
        seen[record.image_id] = record.path
        out.append(record)
    return out
