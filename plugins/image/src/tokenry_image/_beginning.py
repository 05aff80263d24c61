"""Where a training begins: the scale of the bands."""

from __future__ import annotations

import numpy as np

from tokenry_core import Array

from ._codec import Codec

__all__ = ["set_scale"]


def set_scale(codec: Codec, images: Array) -> None:
    """Find offset and scale of every band in raw (rows, bands, H, W)."""
    for band in range(images.shape[1]):
        pixels = images[:, band][np.isfinite(images[:, band])].astype(np.float64)
        middle = np.median(pixels) if len(pixels) else 0.0
        # The factor makes the median absolute deviation that of a normal distribution's sigma.
        spread = 1.4826 * np.median(np.abs(pixels - middle)) if len(pixels) else 0.0
        spread = spread or (pixels.std() if len(pixels) else 0.0) or 1.0
        codec.offset[band], codec.scale[band] = float(middle), float(spread)
