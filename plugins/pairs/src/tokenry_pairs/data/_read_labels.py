"""Labelled images from a table of paths, or from a folder for each label."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from tokenry_core import require
from tokenry_core.errors import DataError
from tokenry_dino import SUFFIXES

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Labeled", "labeled_images", "read_labels"]


class Labeled(NamedTuple):
    """An image and the label of the individual that it shows."""

    path: str
    label: str


def read_labels(path: str | os.PathLike[str], *, x: str = "x", y: str = "y") -> pd.DataFrame:
    """Give the table of a dataset, with the columns x (full paths) and y (labels, as text).

    `path` is a CSV or Parquet file with a column of paths, relative to the file, and one of
    labels; or a folder with a folder of images for each label.
    """
    import pandas as pd

    return pd.DataFrame(labeled_images(path, x, y), columns=["x", "y"])


def labeled_images(path: str | os.PathLike[str], x: str = "x", y: str = "y") -> list[Labeled]:
    """Give every image with its label; a folder's come in the order of their paths."""
    place = Path(path).expanduser()
    if place.is_dir():
        return _from_folder(place)
    if not place.is_file():
        raise DataError(
            f'"{os.fspath(path)}" does not exist; give a CSV or Parquet file with the columns'
            f" {x} (paths) and {y} (labels), or a folder with a folder of images for each label"
        )
    return _from_table(place, x, y)


def _from_folder(root: Path) -> list[Labeled]:
    folders = sorted(one for one in root.iterdir() if one.is_dir() and one.name[:1] != ".")
    found = [
        Labeled(str(path), folder.name)
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in SUFFIXES and path.is_file()
    ]
    if not found:
        raise DataError(
            f'"{root}" holds no folder with images; it needs one for each label, named after it,'
            f" with files of these suffixes: {', '.join(sorted(SUFFIXES))}"
        )
    return found


def _from_table(file: Path, x: str, y: str) -> list[Labeled]:
    table = _read_table(file, x, y)
    columns = [_texts(table.column(name), name, file) for name in (x, y)]
    folder = file.absolute().parent
    return [
        Labeled(os.path.normpath(folder / os.path.expanduser(path)), label)
        for path, label in zip(*columns, strict=True)
    ]


def _read_table(file: Path, x: str, y: str) -> pa.Table:
    try:
        if file.suffix.lower() in (".parquet", ".pq", ".parq"):
            import pyarrow.parquet as pq

            require(pq.read_schema(file), [x, y])
            return pq.read_table(file, columns=[x, y], partitioning=None)
        import pyarrow.csv as csv

        # labels are names: 007 and 7 are two individuals
        texts = csv.ConvertOptions(column_types={x: pa.string(), y: pa.string()})
        table = csv.read_csv(file, convert_options=texts)
        require(table.schema, [x, y])
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise DataError(f"{file}: cannot be read as a table: {error}") from None
    return table


def _texts(column: pa.ChunkedArray, name: str, file: Path) -> Sequence[Any]:
    try:
        values: list[Any] = column.cast(pa.string()).to_pylist()
    except pa.ArrowException as error:
        raise DataError(f"{file}: column {name} is {column.type}; it holds text: {error}") from None
    empty = [row for row, value in enumerate(values) if not value]
    if empty:
        raise DataError(f"{file}: column {name} is empty in {len(empty)} rows, first in {empty[0]}")
    return values
