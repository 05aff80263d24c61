"""Patch2dPairsTokenizer: pairs of patches of every image of a table, with what they share."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import torch

from tokenry_core import (
    Array,
    Field,
    FieldSpec,
    Spec,
    TokenBatch,
    batch_ids,
    mix,
)
from tokenry_patch2d._config import Patch2dPairsConfig
from tokenry_patch2d._draws import content_keys, uniform
from tokenry_patch2d._image_tokenizer import ImageTokenizer
from tokenry_patch2d._images import read_images
from tokenry_patch2d._plan import PatchPairs
from tokenry_patch2d._threads import limited

__all__ = ["Patch2dPairsTokenizer"]

# Fields of a pair, by the key of `build_sequence_pair` that fills them.
_DENSE = {
    "pair_tokens1": "tokens1",
    "pair_tokens2": "tokens2",
    "pair_coords1": "coords1",
    "pair_coords2": "coords2",
    "pair_fractions": "overlap_fractions",
}
_MATCHES = {
    "pair_indices1_to_2": "overlap_indices1_to_2",
    "pair_indices2_to_1": "overlap_indices2_to_1",
}


class Patch2dPairsTokenizer(ImageTokenizer[Patch2dPairsConfig]):
    """Draws pairs of patches from every image, and says which of their tokens show the same place.

    Which pairs are drawn follows from the seed and the pixels of the image alone, whatever its
    place in the table. For P pairs of T tokens the fields are `pair_tokens1` and `pair_tokens2`
    (P, T, D), `pair_coords1` and `pair_coords2` (P, T, 2), `pair_fractions` (P, T), the matches
    `pair_indices1_to_2` and `pair_indices2_to_1` (P, T), where T stands for no match,
    `pair_deltas` (P, 2) and `pair_rotations` (P,). An image that is null is missing in all.

    >>> tokenizer = Patch2dPairsTokenizer(shape=(1, 16, 16), window=8, patch_size=4, num_patches=2)
    >>> tokens = tokenizer.encode(np.random.default_rng(0).normal(size=(3, 1, 16, 16)))
    >>> tokens["pair_tokens1"].shape, tokens["pair_indices1_to_2"].dtype
    ((3, 2, 9, 16), dtype('uint16'))
    """

    name = "patch2d-pairs"
    Config = Patch2dPairsConfig

    @property
    def spec(self) -> Spec:
        """Tokens, geometry and matches; all follow from the configuration."""
        config, grid = self.config, self.config.grid()
        pairs, count = config.num_patches, grid.tokens
        tokens = (pairs, count, config.shape[0] * grid.area)
        events = {
            "pair_tokens1": tokens,
            "pair_tokens2": tokens,
            "pair_coords1": (pairs, count, 2),
            "pair_coords2": (pairs, count, 2),
            "pair_fractions": (pairs, count),
            "pair_deltas": (pairs, 2),
        }
        dense = (
            FieldSpec(name, "dense", config.dtype if "tokens" in name else "float32", event)
            for name, event in events.items()
        )
        matches = (FieldSpec.tokens(name, codes=count, event=(pairs, count)) for name in _MATCHES)
        return Spec((*dense, *matches, FieldSpec.tokens("pair_rotations", codes=4, event=(pairs,))))

    def encode_batch(self, batch: pa.RecordBatch) -> TokenBatch:
        """Pairs of every image; an image of another size is a bad row."""
        config = self.config
        images, missing = read_images(batch, config)
        with limited(self.runtime.threads):
            patches = self._drawn(images)
            found = patches.sequences(config.patch_size, config.stride, reverse=config.reverse)
        found |= {"pair_deltas": patches.deltas, "pair_rotations": patches.rotations}
        fields = {
            field.name: Field(self._values(field, found, missing)) for field in self.spec.fields
        }
        ids, id_col = batch_ids(batch)
        counts = {
            "patch2d_missing_images": int(missing.sum()),
            "patch2d_matches": int((fields["pair_fractions"].values > 0).sum()),
        }
        return TokenBatch(self.spec, fields, ids, id_col, counts=counts)

    def _drawn(self, images: torch.Tensor) -> PatchPairs:
        pairs = self.config.num_patches
        keys = mix(content_keys(images))[:, None] + np.arange(pairs, dtype=np.uint64)
        image = torch.arange(len(images)).repeat_interleave(pairs)
        return self.config.plan().cut(images, image, uniform(keys.reshape(-1), self.config.seed))

    def _values(self, field: FieldSpec, found: dict[str, torch.Tensor], missing: Array) -> Array:
        name = field.name
        values = found[_DENSE.get(name) or _MATCHES.get(name) or name].numpy()
        if name in _MATCHES:
            values = np.where(values < 0, field.codes, values)
        rows = np.array(values, field.dtype).reshape(len(missing), *field.event)
        rows[missing] = np.nan if field.kind == "dense" else field.codes
        return rows
