"""From columns of a table, or an array, to a stack of images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from tokenry_core import Array, read_pixels, tensor_column
from tokenry_core.errors import DataError, ShapeError

from ._config import ImageConfig, nearest_sizes

__all__ = ["Images", "image_size", "read_images", "table_of", "to_columns"]


@dataclass(frozen=True)
class Images:
    """The images of some rows as they are in the table, sharing its memory where they can.

    `bands` has (rows, H, W) in float32 for each band, which mean nothing where `absent`, of
    (rows, bands), says that a column is null; `bad` says which rows cannot be read and why.
    """

    bands: tuple[Array, ...]
    absent: Array
    ellipses: Array | None
    bad: dict[int, str]

    @property
    def size(self) -> int:
        """Height and width."""
        return int(self.bands[0].shape[-1])

    def stack(self) -> Array:
        """Give (rows, bands, H, W) in new memory, with NaN where a band is absent."""
        rows, size = len(self.absent), self.size
        out = np.empty((rows, len(self.bands), size, size), np.float32)
        for number, band in enumerate(self.bands):
            out[:, number] = band
        if self.absent.any():
            out[self.absent] = np.nan
        return out


def table_of(images: Any, config: ImageConfig) -> pa.Table:
    """Give a table of an (N, bands, H, W) array or tensor, in the columns of the configuration."""
    if hasattr(images, "detach"):
        images = images.detach().cpu().numpy()
    shape = images.shape
    if len(shape) != 4 or shape[1] != len(config.bands) or shape[2] != shape[3]:
        raise ShapeError(
            f"images have shape {tuple(shape)}; expected is (N, {len(config.bands)}, H, H), where"
            f" the bands are {', '.join(config.bands)}"
        )
    if images.dtype.kind not in "fiu":
        raise DataError(f"images are {images.dtype}; expected are numbers")
    return pa.table(to_columns(images, config))


def to_columns(images: Array, config: ImageConfig, absent: Array | None = None) -> dict[str, Any]:
    """Give (N, bands, H, W) as tensor columns; rows where `absent` are null."""
    if "{band}" not in config.column:
        return {config.column: _with_nulls(tensor_column(images), absent)}
    return {
        name: _with_nulls(tensor_column(images[:, band]), absent)
        for band, name in enumerate(config.columns)
    }


def image_size(schema: pa.Schema, config: ImageConfig) -> int:
    """Give the side of the images: what the columns' type says, else `cutout_size`."""
    sizes = {name: _size(schema.field(name).type, config) for name in config.columns}
    found = set(sizes.values()) - {None} or {config.cutout_size}
    if len(found) > 1:
        raise ShapeError(f"the bands differ in size: {sizes}; give all of them one size")
    size = int(found.pop() or 0)
    if size % config.downsampling or not size:
        raise ShapeError(
            f"images of {size} x {size} pixels were given; a side has to be a multiple of"
            f" {config.downsampling}; the nearest are {nearest_sizes(size, config.downsampling)}"
        )
    return size


def read_images(batch: pa.RecordBatch, config: ImageConfig) -> Images:
    """Give the images of a batch, without a loop over rows."""
    size, bands = image_size(batch.schema, config), len(config.bands)
    found: list[Array] = []
    absent = np.zeros((batch.num_rows, bands), bool)
    bad: dict[int, str] = {}
    whole = "{band}" not in config.column
    for number, name in enumerate(config.columns):
        column = batch.column(name)
        here = slice(None) if whole else number
        if pa.types.is_null(column.type):
            absent[:, here] = True
            nothing = np.zeros((batch.num_rows, size, size), np.float32)
            found += [nothing] * (bands if whole else 1)
            continue
        null = np.asarray(column.is_null())
        pixels = read_pixels(column, (bands, size, size) if whole else (size, size))
        values = np.asarray(pixels.values, np.float32)
        found += list(values.swapaxes(0, 1)) if whole else [values]
        absent[null, here] = True
        for row, reason in pixels.bad.items():
            if not null[row]:
                bad.setdefault(row, f"{name}: {reason}")
    return Images(tuple(found), absent, _ellipses(batch, config), bad)


def _ellipses(batch: pa.RecordBatch, config: ImageConfig) -> Array | None:
    """Give (rows, 3): semi-axes in pixels and the angle in radians; NaN where one is unknown."""
    if config.ellipse is None:
        return None
    names = (config.ellipse.semi_major, config.ellipse.semi_minor, config.ellipse.angle)
    columns = [batch.column(name).cast(pa.float64()) for name in names]
    found = np.stack([column.to_numpy(zero_copy_only=False) for column in columns], 1)
    return np.asarray(found * [config.ellipse.factor, config.ellipse.factor, math.pi / 180])


def _size(kind: pa.DataType, config: ImageConfig) -> int | None:
    shape: Sequence[int] | None = None
    if isinstance(kind, pa.FixedShapeTensorType):
        shape = kind.shape
    elif pa.types.is_fixed_size_list(kind) and not pa.types.is_nested(kind.value_type):
        channels = 1 if "{band}" in config.column else len(config.bands)
        side = math.isqrt(kind.list_size // channels)
        shape = (side, kind.list_size // channels // side if side else 0)
        if channels * side * side != kind.list_size:
            raise ShapeError(
                f"images of {kind.list_size} pixels in {channels} bands are not square: cut them"
                f" to {config.cutout_size} x {config.cutout_size}, or give tensors of fixed shape"
            )
    if shape is None:
        return None
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise ShapeError(f"images have shape {tuple(shape)}; expected are square ones")
    return int(shape[-1])


def _with_nulls(column: pa.ExtensionArray, absent: Array | None) -> pa.ExtensionArray:
    if absent is None or not absent.any():
        return column
    storage = column.storage
    masked = pa.FixedSizeListArray.from_arrays(
        storage.flatten(), storage.type.list_size, mask=pa.array(absent)
    )
    return pa.ExtensionArray.from_storage(column.type, masked)
