"""What the tokenizers of this package share: a row is an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import torch

from tokenry_core import BaseTokenizer, DataSource, require
from tokenry_patch2d._config import ImageConfig
from tokenry_patch2d._images import images_source

__all__ = ["ImageTokenizer"]

C = TypeVar("C", bound=ImageConfig)


class ImageTokenizer(BaseTokenizer[C]):
    """Reads images from one column of a table, or from an array of them."""

    def columns(self, schema: pa.Schema) -> Sequence[str]:
        """The image column."""
        return require(schema, [self.config.column])

    def open(self, data: Any) -> DataSource:
        """Give the source of `data`: tables and paths, and arrays or tensors of images."""
        if isinstance(data, np.ndarray | torch.Tensor):
            return images_source(data, self.config)
        return super().open(data)
