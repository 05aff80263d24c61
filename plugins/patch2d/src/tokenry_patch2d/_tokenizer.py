"""Patch2dTokenizer: the patches of every image of a table."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import torch

from tokenry_core import (
    Field,
    FieldSpec,
    Spec,
    TokenBatch,
    batch_ids,
    mark,
)
from tokenry_patch2d._config import Patch2dConfig
from tokenry_patch2d._image_tokenizer import ImageTokenizer
from tokenry_patch2d._images import image_column, read_images
from tokenry_patch2d._threads import limited
from tokenry_patch2d._tokens import untokenize
from tokenry_patch2d._windows import windows

__all__ = ["Patch2dTokenizer"]


class Patch2dTokenizer(ImageTokenizer[Patch2dConfig]):
    """Cuts every image into patches, exactly; nothing is learned.

    Fields: `patch_tokens` (T, C * height * width), each flattened from (C, height, width), and
    `patch_coords` (T, 2), the corner (y, x) of each. An image that is null is NaN in both.

    >>> tokenizer = Patch2dTokenizer(shape=(1, 4, 4), patch_size=2, stride=2)
    >>> tokens = tokenizer.encode(np.arange(16.0).reshape(1, 1, 4, 4))
    >>> tokens["patch_tokens"][0, 1].tolist(), tokens["patch_coords"][0, 1].tolist()
    ([2.0, 3.0, 6.0, 7.0], [0.0, 2.0])
    """

    name = "patch2d"
    Config = Patch2dConfig

    @property
    def spec(self) -> Spec:
        """Dense tokens and their corners; both follow from the configuration."""
        config, grid = self.config, self.config.grid()
        event = (grid.tokens, config.shape[0] * grid.area)
        return Spec(
            (
                FieldSpec("patch_tokens", "dense", config.dtype, event),
                FieldSpec("patch_coords", "dense", "float32", (grid.tokens, 2)),
            )
        )

    def encode_batch(self, batch: pa.RecordBatch) -> TokenBatch:
        """Tokens of every image; an image of another size is a bad row."""
        images, missing = read_images(batch, self.config)
        grid = self.config.grid()
        with limited(self.runtime.threads):
            tokens = windows(images, grid).numpy()
        corners = grid.coords(images.device).numpy().astype(np.float32)
        coords = np.tile(corners, (len(images), 1, 1))
        coords[missing] = np.nan
        fields = {"patch_tokens": Field(tokens), "patch_coords": Field(coords)}
        ids, id_col = batch_ids(batch)
        counts = {"patch2d_missing_images": int(missing.sum())}
        return TokenBatch(self.spec, fields, ids, id_col, counts=counts)

    def decode(self, tokens: TokenBatch) -> pa.RecordBatch:
        """Images put together from their tokens, the mean where these overlap."""
        values = np.require(tokens.fields["patch_tokens"].values, requirements=["C", "W"])
        config = self.config
        missing = np.asarray(np.isnan(values).all(axis=(1, 2)))
        images = untokenize(
            torch.from_numpy(values), config.extent, config.patch_size, config.stride
        )
        columns = {
            tokens.id_col: tokens.ids,
            config.column: image_column(images, config, missing),
        }
        return mark(pa.record_batch(columns), id_col=tokens.id_col)
