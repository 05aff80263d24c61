"""Image sets in the columns of a table."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from tokenry_core import DataSource, image_kind, read_encoded, require
from tokenry_core.errors import DataError

from ._config import PairsConfig

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SetFiles", "labelled_images", "read_sets"]

_ROWS = 1024


class SetFiles(NamedTuple):
    """The files of one row's images, what each is called, and why one cannot be read, if so."""

    files: list[bytes]
    names: list[str]
    reason: str


def read_sets(column: pa.Array, name: str) -> Iterator[SetFiles]:
    """Give the image files of every row of a column; a null row, and a null image, is none.

    A column of single images holds sets of one.
    """
    images, ends = _flat(column, name)
    there = np.asarray(images.is_valid())
    found, names = read_encoded(images), _names(images)
    for start, end in pairwise(ends):
        own = [(found[i], names[i]) for i in range(start, end) if there[i]]
        reasons = [one for one, _ in own if isinstance(one, str)]
        read = [(one, name) for one, name in own if isinstance(one, bytes)]
        yield SetFiles([one for one, _ in read], [name for _, name in read], "; ".join(reasons))


def labelled_images(source: DataSource, config: PairsConfig) -> pd.DataFrame:
    """Give a table of images `x` and labels `y` from a source of labelled sets or images.

    Rows without a label, and null images, are left out.
    """
    import pandas as pd

    names = list(require(source.schema, [config.column, config.label_column]))
    images: list[Any] = []
    labels: list[Any] = []
    for fragment in source.fragments():
        for batch in fragment.read(names, _ROWS):
            column, ends = _flat(batch.column(config.column), config.column)
            values, own = _items(column), batch.column(config.label_column).to_pylist()
            for row, label in enumerate(own):
                found = [v for v in values[ends[row] : ends[row + 1]] if v is not None]
                if label is not None:
                    images += found
                    labels += [label] * len(found)
    if not images:
        raise DataError(
            f'there is no image with a label in the columns "{config.column}" and'
            f' "{config.label_column}"; training needs images of at least two individuals'
        )
    return pd.DataFrame({"x": images, "y": labels})


def _flat(column: pa.Array, name: str) -> tuple[pa.Array, list[int]]:
    """Give the images of all rows, and where each row's end; the first of these is 0."""
    kind, images, lengths = column.type, column, np.asarray(column.is_valid()).astype(np.int64)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        kind, images = kind.value_type, column.flatten()
        lengths = column.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    else:
        images = column.filter(column.is_valid())
    numbers = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    if numbers or (image_kind(kind) == "pixels" and not pa.types.is_null(kind)):
        raise DataError(
            f'column "{name}" is {column.type}; allowed are lists of paths (strings) or of encoded'
            " image files (binary, or structs with bytes), and single ones, which are sets of one"
        )
    return images, [0, *np.cumsum(lengths).tolist()]


def _names(images: pa.Array) -> list[str]:
    """Give the path of each image, or else its place among those of the set."""
    if pa.types.is_struct(images.type) and images.type.get_field_index("path") >= 0:
        images = images.field("path")
    elif not (pa.types.is_string(images.type) or pa.types.is_large_string(images.type)):
        return ["an image of the set"] * len(images)
    return [path or "an image of the set" for path in images.to_pylist()]


def _items(images: pa.Array) -> list[Any]:
    """Give a path or the bytes of a file for each image."""
    values: list[Any] = images.to_pylist()
    if not pa.types.is_struct(images.type):
        return values
    return [
        one and (one["bytes"] if one["bytes"] is not None else one.get("path")) for one in values
    ]
