"""The view of an image that a model sees: the whole of it, or a bucket's centre crop."""

from __future__ import annotations

from typing import Literal

import numpy as np
from PIL import Image

from tokenry_core import Array

__all__ = ["Fit", "cover_box", "view_image"]

Fit = Literal["resize", "cover"]


def view_image(
    image: Image.Image, bucket: tuple[int, int], size: tuple[int, int], fit: Fit = "resize"
) -> Array:
    """Give (height, width, 3) uint8 of the input size, resampled once, antialiased and bicubic.

    "resize" brings the whole image to the input size. "cover" first takes the part that is left
    when the image covers the bucket and is cropped to it around the centre.
    """
    box = cover_box(image.size, bucket) if fit == "cover" else None
    if image.size == size and box in (None, (0, 0, *size)):
        return np.asarray(image)
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC, box))


def cover_box(size: tuple[int, int], bucket: tuple[int, int]) -> tuple[float, float, float, float]:
    """Give the part of an image that a covered, centre-cropped bucket shows: x0, y0, x1, y1.

    >>> cover_box((400, 100), (100, 100))
    (150.0, 0.0, 250.0, 100.0)
    """
    (width, height), (wide, high) = size, bucket
    scale = max(wide / width, high / height)
    kept_wide, kept_high = min(width, wide / scale), min(height, high / scale)
    left, top = (width - kept_wide) / 2, (height - kept_high) / 2
    return left, top, left + kept_wide, top + kept_high
