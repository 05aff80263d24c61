"""From whatever is an image to what a backbone takes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from tokenry_core import Array
from tokenry_core.errors import DataError
from tokenry_dino import decode_image

if TYPE_CHECKING:
    from torch import Tensor

    from ..model import TokenExtractorBackbone

__all__ = ["ImageTransform", "image_list", "image_tensor", "load_image"]


def load_image(item: Any) -> Image.Image:
    """Give an image as upright RGB of 8 bits, or say what is wrong with it.

    It is the path of a file, the bytes of one, an image of Pillow, or an array: (H, W) or
    (H, W, 3) of uint8, or of floats from 0 to 1. A tensor may be (3, H, W) as well.

    >>> load_image(np.zeros((4, 6), np.uint8)).size
    (6, 4)
    """
    if isinstance(item, str | os.PathLike):
        return _read(item)
    if isinstance(item, bytes | Image.Image):
        return decode_image(item)
    return Image.fromarray(_pixels(item)).convert("RGB")


def image_list(images: Any, name: str) -> list[Any]:
    """Give a set of images as a list; what is a single image, or no image, is refused."""
    if _is_image(images):
        raise DataError(
            f"{name}: a single image was given ({type(images).__name__}); a set is a list of"
            " images: [image]"
        )
    if not isinstance(images, Iterable):
        raise DataError(f"{name}: {images!r:.60} was given; a set is a list of images")
    found = list(images)
    if not found:
        raise DataError(f"{name} has no image; a set has at least one")
    return found


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
        pixels = image_tensor(self.resized(image))
        mean, std = (pixels.new_tensor(values)[:, None, None] for values in (self.mean, self.std))
        return (pixels - mean) / std

    def resized(self, image: Image.Image) -> Image.Image:
        """Give the image in the size that is asked for; one that has it already, as it is."""
        height, width = self.size
        if image.size == (width, height):
            return image
        return image.resize((width, height), Image.Resampling.BICUBIC)


def image_tensor(image: Any) -> Tensor:
    """Give an image as (3, H, W) of float32, from 0 to 1; an array or tensor as it is."""
    import torch

    if not isinstance(image, Image.Image):
        return torch.as_tensor(image)
    array = np.array(image.convert("RGB"))  # a copy: torch wants memory that it may write to
    return torch.from_numpy(array).permute(2, 0, 1).float() / 255


def _read(path: str | os.PathLike[str]) -> Image.Image:
    try:
        with open(path, "rb") as file:
            data = file.read()
    except (OSError, ValueError) as error:
        raise DataError(f"{os.fspath(path)}: the image cannot be read: {error}") from None
    try:
        return decode_image(data)
    except DataError as error:
        raise DataError(f"{os.fspath(path)}: {error}") from None


def _pixels(item: Any) -> Array:
    """Give (H, W) or (H, W, 3) of uint8."""
    array = np.asarray(item.detach().cpu() if hasattr(item, "detach") else item)
    if array.ndim == 3 and array.shape[0] == 3 and array.shape[2] != 3:
        array = np.moveaxis(array, 0, 2)
    if array.dtype.kind == "f" and array.size and array.min() >= 0 and array.max() <= 1:
        array = np.round(array * 255).astype(np.uint8)
    known = array.ndim in (2, 3) and array.shape[2:] in ((), (3,)) and array.size
    if array.dtype != np.uint8 or not known:
        raise DataError(
            f"a {type(item).__name__} of {array.dtype} and shape {array.shape} is no image; allowed"
            " are paths, bytes of image files, Pillow images, and arrays (H, W) or (H, W, 3) of"
            " uint8, or of floats from 0 to 1"
        )
    return array


def _is_image(given: Any) -> bool:
    """Whether this is one image, and no set of them.

    Three dimensions are a stack of grey images, unless they are those of one in colour.
    """
    if isinstance(given, str | bytes | os.PathLike | Image.Image):
        return True
    shape: tuple[int, ...] = tuple(getattr(given, "shape", ()))
    colour = len(shape) == 3 and (shape[2] == 3 or hasattr(given, "detach"))
    return len(shape) == 2 or colour
