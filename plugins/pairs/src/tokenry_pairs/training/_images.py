"""Images: the pictures of a training, loaded when they are asked for and known by their content."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from tokenry_core import Array
from tokenry_core.errors import DataError

from ..data._images import ImageTransform, load_image
from ..data._labels import group_rows

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Images", "content_digest"]

Transform = Callable[[Image.Image], Tensor]
_MEMORY = 1 << 30  # bytes of pixels that are kept rather than loaded again
_THREADS = 4


class Images:
    """The pictures `x` of a labelled table, and the rows of each label.

    They are numbered label by label, so that the order of the table does not matter where it has
    paths. Small collections stay in memory once they are loaded.
    """

    def __init__(self, df: pd.DataFrame, transform: Transform, name: str = "df") -> None:
        rows = group_rows(df, name=name)
        images = list(df["x"])
        self.items = [images[row] for own in rows.values() for row in own]
        ends = np.cumsum([len(own) for own in rows.values()]).tolist()
        self.groups = {
            label: range(end - len(own), end)
            for (label, own), end in zip(rows.items(), ends, strict=True)
        }
        self.transform = transform
        self._kept: dict[int, Tensor] = {}
        self._room = _MEMORY

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def contents(self) -> list[bytes]:
        """The SHA-256 of each picture: of its file's bytes, or of what stands for them."""
        with ThreadPoolExecutor(_THREADS) as pool:
            return list(pool.map(content_digest, self.items))

    @cached_property
    def digests(self) -> list[bytes]:
        """What names the pixels of each picture.

        It is its content where the transform is ours. Of another one nothing is known, and the
        pixels that it makes are digested.
        """
        if isinstance(self.transform, ImageTransform):
            return self.contents
        rows = range(len(self))
        return [content_digest(self.pixels(np.array([row]))[0].numpy()) for row in rows]

    @property
    def view(self) -> str:
        """What names the transform, beside the digests."""
        return repr(self.transform) if isinstance(self.transform, ImageTransform) else "pixels"

    def pixels(self, rows: Array, keep: bool = True) -> Tensor:
        """Give (n, 3, H, W) of n rows; without `keep`, they are not held for the next time."""
        lacking = [int(row) for row in rows if int(row) not in self._kept]
        if len(lacking) > 1:
            with ThreadPoolExecutor(_THREADS) as pool:
                loaded = list(pool.map(self._load, lacking))
        else:
            loaded = [self._load(row) for row in lacking]
        fresh = dict(zip(lacking, loaded, strict=True))
        if keep:
            self._keep(fresh)
        known = {**self._kept, **fresh} if fresh else self._kept
        return torch.stack([known[int(row)] for row in rows])

    def _load(self, row: int) -> Tensor:
        return torch.as_tensor(self.transform(load_image(self.items[row])))

    def _keep(self, fresh: dict[int, Tensor]) -> None:
        for row, picture in fresh.items():
            self._room -= picture.numel() * picture.element_size()
            if self._room > 0:
                self._kept[row] = picture


def content_digest(item: Any) -> bytes:
    """Give the SHA-256 of a file's bytes, or of an array's type, shape and values."""
    if isinstance(item, str | os.PathLike):
        try:
            with open(item, "rb") as file:
                return hashlib.file_digest(file, "sha256").digest()
        except (OSError, ValueError) as error:
            raise DataError(f"{os.fspath(item)}: the image cannot be read: {error}") from None
    if isinstance(item, bytes):
        return hashlib.sha256(item).digest()
    if not hasattr(item, "shape"):  # a palette and an orientation say what Pillow's values mean
        item = load_image(item)
    array = np.ascontiguousarray(item.detach().cpu() if isinstance(item, Tensor) else item)
    found = hashlib.sha256(f"{array.dtype} {array.shape}".encode())
    found.update(array.reshape(-1).view(np.uint8).data)
    return found.digest()
