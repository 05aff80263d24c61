"""From a file to what a backbone takes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from tokenry_core.errors import DataError
from tokenry_dino._decode import decode_image

if TYPE_CHECKING:
    from torch import Tensor

    from ..model import TokenExtractorBackbone

__all__ = ["ImageTransform", "load_image"]


def load_image(path: str | os.PathLike[str] | Image.Image) -> Image.Image:
    """Give an image file as upright RGB of 8 bits, or say what is wrong with it.

    What is an image already is given back as it is.
    """
    if isinstance(path, Image.Image):
        return path
    if not isinstance(path, str | os.PathLike):
        raise DataError(f"a {type(path).__name__} was given as an image; allowed is a path")
    try:
        with open(path, "rb") as file:
            data = file.read()
    except (OSError, ValueError) as error:
        raise DataError(f"{os.fspath(path)}: the image cannot be read: {error}") from None
    try:
        return decode_image(data)
    except DataError as error:
        raise DataError(f"{os.fspath(path)}: {error}") from None


@dataclass(frozen=True)
class ImageTransform:
    """Brings an image to a backbone's size, mean and standard deviation: (3, H, W) of float32.

    The whole image is kept: its sides are scaled each to the size asked for.

    >>> transform = ImageTransform((4, 6), mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    >>> transform(Image.new("RGB", (60, 40), "white")).shape
    torch.Size([3, 4, 6])
    """

    size: tuple[int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @classmethod
    def of(cls, backbone: TokenExtractorBackbone) -> ImageTransform:
        """Give the transform that a backbone expects."""
        return cls(backbone.image_size, backbone.mean, backbone.std)

    def __call__(self, image: Image.Image) -> Tensor:
        """Give the tensor of an image."""
        height, width = self.size
        if image.size != (width, height):
            image = image.resize((width, height), Image.Resampling.BICUBIC)
        pixels = image_tensor(image)
        mean, std = (pixels.new_tensor(values)[:, None, None] for values in (self.mean, self.std))
        return (pixels - mean) / std


def image_tensor(image: Any) -> Tensor:
    """Give an image as (3, H, W) of float32, from 0 to 1; an array or tensor as it is."""
    import torch

    if not isinstance(image, Image.Image):
        return torch.as_tensor(image)
    array = np.array(image.convert("RGB"))  # a copy: torch wants memory that it may write to
    return torch.from_numpy(array).permute(2, 0, 1).float() / 255
