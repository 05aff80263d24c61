"""Images from a column of pixels, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from tokenry_core import ArrowSource, DataSource, image_kind, read_pixels, require, tensor_column
from tokenry_core.errors import BadRows, DataError, ShapeError
from tokenry_patch2d._config import ImageConfig

__all__ = ["image_column", "images_source", "read_images"]


def read_images(
    batch: pa.RecordBatch, config: ImageConfig
) -> tuple[torch.Tensor, NDArray[np.bool_]]:
    """Give images (rows, C, H, W), NaN where there is none, and which rows have none."""
    require(batch.schema, [config.column])
    column = batch.column(config.column)
    if image_kind(column.type) != "pixels":
        raise DataError(
            f'column "{config.column}" holds {column.type}; patch2d reads pixels (lists of numbers '
            "or tensors of fixed shape): decode the image files first"
        )
    missing = ~np.asarray(column.is_valid())
    pixels = read_pixels(column, _stored(config))
    bad = {row: why for row, why in pixels.bad.items() if not missing[row]}
    if bad:
        raise BadRows(bad)
    values = np.array(pixels.values, config.dtype)
    values[missing] = np.nan
    images = torch.from_numpy(values)
    return images.movedim(-1, 1) if config.layout == "hwc" else images, missing


def image_column(images: torch.Tensor, config: ImageConfig, missing: NDArray[np.bool_]) -> pa.Array:
    """Give images (rows, C, H, W) as the column that they are read from, null where missing."""
    stored = images.movedim(1, -1) if config.layout == "hwc" else images
    column = tensor_column(stored)
    storage = pa.FixedSizeListArray.from_arrays(
        column.storage.flatten(), column.type.storage_type.list_size, mask=pa.array(missing)
    )
    return pa.ExtensionArray.from_storage(column.type, storage)


def images_source(images: Any, config: ImageConfig) -> DataSource:
    """Give arrays and tensors of images as the source of one column."""
    if images.ndim != 4:
        raise ShapeError(
            f"an array of images has four dimensions, (rows, {', '.join(map(str, _stored(config)))}"
            f"), got shape {tuple(images.shape)}"
        )
    return ArrowSource({config.column: tensor_column(images)})


def _stored(config: ImageConfig) -> tuple[int, int, int]:
    channels, height, width = config.shape
    return (height, width, channels) if config.layout == "hwc" else config.shape
