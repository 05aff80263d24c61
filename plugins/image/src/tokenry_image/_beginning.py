"""Where a training begins: the scale of the bands, and a network that knows the images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch import Tensor

from ._codec import Codec
from ._quality import tensors
from ._quantizers import QuantizerModule
from ._rows import Survey

__all__ = ["begin"]

_IMAGES = 256


def begin(codec: Codec, survey: Survey, device: str) -> None:
    """Find the scale of every band, and let the network start from the images."""
    values = survey.sample.images[:_IMAGES]
    for band in range(values.shape[1]):
        pixels = values[:, band][np.isfinite(values[:, band])].astype(np.float64)
        middle = np.median(pixels) if len(pixels) else 0.0
        # The factor makes the median absolute deviation that of a normal distribution's sigma.
        spread = 1.4826 * np.median(np.abs(pixels - middle)) if len(pixels) else 0.0
        spread = spread or (pixels.std() if len(pixels) else 0.0) or 1.0
        codec.offset[band], codec.scale[band] = float(middle), float(spread)
    if hasattr(codec.network, "begin"):
        first = survey.sample.take(np.arange(len(values)))
        images, _ = codec.prepare_images(*tensors(first, device))
        quantizer = codec.quantizer
        codec.network.begin(images, None if quantizer.learned else _round_trip(quantizer))


def _round_trip(quantizer: QuantizerModule) -> Callable[[Tensor], Tensor]:
    return lambda latents: quantizer.lookup(quantizer.ids(latents))
