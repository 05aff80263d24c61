"""From an image file, or an image of Pillow, to upright 8-bit RGB, or the reason why not."""

from __future__ import annotations

import io
import os
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from tokenry_core.errors import DataError

from ._config import MAX_PIXELS

__all__ = ["FORMATS", "decode_image", "image_size"]

Image.init()
FORMATS = tuple(
    name
    for name in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF")
    if name in Image.OPEN  # a build of Pillow may lack a library
)
"""What is read. Pillow knows more formats, some of which start programs."""

_TURNED = (5, 6, 7, 8)  # EXIF orientations that swap width and height
_ORIENTATION = 0x0112
_TRANSPARENT = ("LA", "PA", "RGBA", "La", "RGBa")


def image_size(
    file: bytes | str | os.PathLike[str], max_pixels: int = MAX_PIXELS
) -> tuple[int, int]:
    """Give the width and height of an image as it is looked at; only the header is read."""
    with _opened(file, max_pixels) as image:
        width, height = image.size
        tags: Any = getattr(image, "tag_v2", None)
        try:
            if tags:  # Pillow has turned the size of a TIFF already, or not, by its version
                width, height = tags[256], tags[257]
            turned = image.getexif().get(_ORIENTATION) in _TURNED
        except Exception:  # broken EXIF is no reason to refuse a picture
            turned = False
    return (height, width) if turned else (width, height)


def decode_image(file: bytes | Image.Image, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Give an image file, or an image of Pillow, as upright RGB of 8 bits.

    EXIF orientation is applied; transparency is laid over white; 16-bit greys keep their upper
    eight bits; palettes and CMYK are converted; of an animation, the first frame is taken.
    """
    if isinstance(file, Image.Image):
        return _decoded(file)
    with _opened(file, max_pixels) as image:
        return _decoded(image)


def _decoded(image: Image.Image) -> Image.Image:
    try:
        image.load()
    except Exception as error:  # decoders raise whatever their parsers stumble over
        raise DataError(f"the image cannot be decoded: {_why(error)}") from None
    return _rgb(_upright(image))


def _opened(file: bytes | str | os.PathLike[str], max_pixels: int) -> Image.Image:
    if file == b"":
        raise DataError("the image file is empty")
    try:
        image = Image.open(io.BytesIO(file) if isinstance(file, bytes) else file, formats=FORMATS)
    except UnidentifiedImageError:
        known = ", ".join(FORMATS)
        raise DataError(f"this is no image that can be read; formats are {known}") from None
    except Exception as error:
        raise DataError(f"the image cannot be opened: {_why(error)}") from None
    width, height = image.size
    if not 0 < width * height <= max_pixels:
        image.close()
        raise DataError(
            f"the image claims {width} x {height} pixels; allowed are 1 to {max_pixels} in all"
        )
    return image


def _upright(image: Image.Image) -> Image.Image:
    try:
        if image.getexif().get(_ORIENTATION, 1) == 1:
            return image  # exif_transpose would copy it
        return ImageOps.exif_transpose(image)
    except Exception:  # broken EXIF is no reason to refuse a picture
        return image


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        return Image.fromarray(_upper_byte(np.asarray(image)), "L").convert("RGB")
    if image.mode == "F":
        raise DataError(
            "the image has floating point pixels, which have no agreed range: save it with 8 or 16"
            " bits"
        )
    if image.mode in _TRANSPARENT or "transparency" in image.info:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, layer).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _upper_byte(values: Any) -> Any:
    """Bring 16-bit greys to 8 bits, as Pillow does with 16-bit colours."""
    return (np.clip(values, 0, 65535).astype(np.uint32) >> 8).astype(np.uint8)


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
