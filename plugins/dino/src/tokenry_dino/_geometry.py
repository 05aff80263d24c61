"""What a configuration says of shapes, without loading any weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tokenry_core import Registry

from ._buckets import bucket_input_size
from ._config import DinoPatchConfig

__all__ = ["Geometry", "geometry_of"]


@dataclass(frozen=True)
class Geometry:
    """The patch size of a model and the width of its embeddings."""

    patch_size: int
    token_dim: int

    def grid(self, bucket: tuple[int, int]) -> tuple[int, int]:
        """Give the rows and columns of patches of a bucket.

        >>> Geometry(14, 1024).grid((1216, 832))
        (59, 87)
        """
        width, height = bucket_input_size(bucket, self.patch_size)
        return height // self.patch_size, width // self.patch_size

    def shape(self, bucket: tuple[int, int]) -> tuple[int, int]:
        """Give the shape of a bucket's patch embeddings.

        >>> Geometry(14, 1024).shape((1024, 1024))
        (5329, 1024)
        """
        rows, columns = self.grid(bucket)
        return rows * columns, self.token_dim


def geometry_of(config: DinoPatchConfig) -> Geometry:
    """Give a model's geometry, from a model that has shapes but no memory."""
    import torch

    factory: Any = Registry[Any]("tokenry.models")[config.model]
    with torch.device("meta"):
        model = factory(**{**config.backbone(), "weights": "random"})
    return Geometry(model.patch_size, model.token_dim)
