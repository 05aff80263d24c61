"""Pictures as PNG files, without an imaging library."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from ._fields import Array
from .errors import ShapeError

__all__ = ["png"]

_COLOUR_TYPES = {1: 0, 3: 2, 4: 6}  # channels: grey, RGB, RGBA


def png(pixels: Array) -> bytes:
    """Give a PNG file of uint8 pixels: (height, width), or with 3 or 4 colours as last axis.

    >>> png(np.zeros((2, 3), np.uint8))[1:4]
    b'PNG'
    """
    pixels = np.asarray(pixels)
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or channels not in _COLOUR_TYPES:
        raise ShapeError(
            f"{pixels.dtype} pixels of shape {pixels.shape} were given; allowed are uint8 of shape"
            " (height, width), (height, width, 3) or (height, width, 4)"
        )
    if not pixels.size:
        raise ShapeError(f"a picture of shape {pixels.shape} has no pixels; give at least one")
    height, width = pixels.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    lines = b"".join(b"\0" + line.tobytes() for line in pixels)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)
