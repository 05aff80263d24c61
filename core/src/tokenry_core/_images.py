"""Image columns: one meaning for every plugin that reads pictures from a table.

A column of images holds either pixels (a list, fixed-size list, list of lists, or FixedShapeTensor
of numbers), encoded files (binary, or a struct with `bytes` as in Hugging Face datasets), or paths.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa

from ._fields import Array
from .errors import DataError, ShapeError

__all__ = ["Pixels", "image_kind", "read_encoded", "read_pixels", "tensor_column"]


class Pixels(NamedTuple):
    """Pixels of every row, and the rows that have none, each with its reason.

    The values of a bad row are zero and mean nothing: raise `BadRows(bad)`, or mask them.
    """

    values: Array
    bad: Mapping[int, str]


def image_kind(kind: pa.DataType) -> Literal["pixels", "encoded", "path"]:
    """Say how a column of this type holds images.

    >>> image_kind(pa.list_(pa.float32())), image_kind(pa.binary()), image_kind(pa.string())
    ('pixels', 'encoded', 'path')
    """
    if isinstance(kind, pa.FixedShapeTensorType) or _is_list(kind) or pa.types.is_null(kind):
        return "pixels"  # a column without a type holds no image in any row
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return "encoded"
    if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        return "encoded"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "path"
    raise DataError(
        f"a column of {kind} holds no images; allowed are lists of numbers (pixels), tensors of"
        " fixed shape, binary (encoded files), and strings (paths)"
    )


def read_pixels(column: pa.Array | pa.ChunkedArray, shape: tuple[int, ...] | None = None) -> Pixels:
    """Give (rows, *shape) from a column of pixels, without a loop over rows.

    Without `shape`, a tensor column says it itself, and a flat list is a square image. A null row,
    or one of another length, is bad. Null pixels become NaN.

    >>> pixels = read_pixels(pa.array([[1.0, 2.0, 3.0, 4.0], [1.0]]), (2, 2))
    >>> pixels.values[0].tolist(), dict(pixels.bad)
    ([[1.0, 2.0], [3.0, 4.0]], {1: 'the image has 1 pixels; expected are 4 (2 x 2)'})
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if pa.types.is_null(column.type):
        column = column.cast(pa.list_(pa.float32()))
    valid = np.asarray(column.is_valid())
    if isinstance(column.type, pa.FixedShapeTensorType):
        shape = _agree(tuple(column.type.shape), shape)
        column = column.storage
    values, lengths, inner = _flat(column)
    wanted = _agree(inner, shape) if shape is not None else inner or _square(lengths[valid])
    size = math.prod(wanted)
    good = valid & (lengths == size)
    named = " x ".join(map(str, wanted))
    bad = {
        int(row): f"the image has {lengths[row]} pixels; expected are {size} ({named})"
        if valid[row]
        else "the image is null"
        for row in np.flatnonzero(~good)
    }
    if not bad:
        return Pixels(values.reshape(len(column), *wanted), bad)
    out = np.zeros((len(column), size), values.dtype)
    out[good] = values[np.repeat(good, lengths)].reshape(-1, size)
    return Pixels(out.reshape(len(column), *wanted), bad)


def read_encoded(column: pa.Array, folder: str = "") -> list[bytes | str]:
    """Give the bytes of every image file, or the reason why there are none.

    Paths are relative to `folder`. Remote paths are opened through fsspec.
    """
    if image_kind(column.type) == "path":
        return [_file_bytes(path, folder) for path in column.to_pylist()]
    if pa.types.is_struct(column.type):
        paths = column.field("path").to_pylist() if column.type.get_field_index("path") >= 0 else []
        found = column.field("bytes").to_pylist()
        return [
            data if data is not None else _file_bytes(paths[i] if paths else None, folder)
            for i, data in enumerate(found)
        ]
    return ["the image is null" if data is None else data for data in column.to_pylist()]


def tensor_column(images: Any) -> pa.Array:
    """Give a FixedShapeTensor column of an (N, ...) array or tensor, sharing memory if it can.

    >>> tensor_column(np.zeros((2, 3, 4, 4), np.float32)).type.shape
    [3, 4, 4]
    """
    if hasattr(images, "detach"):
        images = images.detach().cpu().numpy()
    array = np.ascontiguousarray(images)
    if array.ndim < 2:
        raise ShapeError(f"images have shape {array.shape}; expected are (rows, ...)")
    values = pa.array(array.reshape(-1))
    storage = pa.FixedSizeListArray.from_arrays(values, math.prod(array.shape[1:]))
    return pa.ExtensionArray.from_storage(
        pa.fixed_shape_tensor(values.type, list(array.shape[1:])), storage
    )


def _is_list(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def _flat(column: pa.Array) -> tuple[Array, Array, tuple[int, ...]]:
    """Give the values, the number of them in each row, and the inner shape of nested lists."""
    if not _is_list(column.type):
        raise DataError(f"a column of {column.type} holds no pixels")
    lengths = _lengths(column)
    values = column.flatten()
    if not _is_list(values.type):
        return _numbers(values), lengths, ()
    inner, per_row, deeper = _flat(values)
    if len(per_row) and (per_row != per_row[0]).any():
        raise DataError("the inner lists of an image column differ in length: not rectangular")
    width = int(per_row[0]) if len(per_row) else 0
    height = int(lengths[0]) if len(lengths) else 0
    return inner, lengths * width, (height, *(deeper or (width,)))


def _lengths(column: pa.Array) -> Array:
    valid = np.asarray(column.is_valid())
    if pa.types.is_fixed_size_list(column.type):
        return np.where(valid, column.type.list_size, 0)
    return np.where(valid, np.diff(column.offsets.to_numpy()), 0)


def _numbers(values: pa.Array) -> Array:
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        raise DataError(f"pixels are {values.type}; expected are numbers")
    return np.asarray(values.to_numpy(zero_copy_only=False))


def _square(lengths: Array) -> tuple[int, ...]:
    size = int(lengths[0]) if len(lengths) else 0
    side = math.isqrt(size)
    if side * side != size:
        raise ShapeError(f"an image of {size} pixels is not square: say its shape")
    return (side, side)


def _agree(found: tuple[int, ...], wanted: tuple[int, ...] | None) -> tuple[int, ...]:
    if wanted is not None and found and 0 not in found and found != wanted:
        raise ShapeError(f"images have shape {found}; expected is {wanted}")
    return wanted if wanted is not None else found


def _file_bytes(path: str | None, folder: str) -> bytes | str:
    if path is None:
        return "the path is null"
    full = path if "://" in path else os.path.join(folder, path)
    try:
        if "://" in full:
            import fsspec

            with fsspec.open(full, "rb") as file:
                return bytes(file.read())
        with open(full, "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:
        return f"{full}: cannot be read: {error}"
