"""A torch Dataset of patch pairs and their positives, for contrastive pre-training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch.utils.data import Dataset

from tokenry_core import mix
from tokenry_core.errors import ConfigError, ShapeError
from tokenry_patch2d._draws import uniform
from tokenry_patch2d._grid import Size, pair
from tokenry_patch2d._plan import Plan
from tokenry_patch2d._tokens import as_tensor

__all__ = ["PatchPairDataset"]

Batch = dict[str, torch.Tensor]


class PatchPairDataset(Dataset[Batch]):
    """Gives pairs of patches with the tokens that show the same place, anew in each epoch.

    `images` are (N, C, H, W); item i is a pair from image i // pairs_per_image. Which pair follows
    from the seed, the epoch and i alone, so loaders with any number of workers agree. An item has
    `tokens1`, `tokens2` (T, D), `coords` (T, 2), `deltas` (2,), `rotations` (), and the positives:
    `positives` (K, 2), pairs of tokens, with `weights` (K,), the fraction of a token they share,
    at least `min_fraction`.

    A loader takes `collate_fn=PatchPairDataset.collate`; batches are then cut as one, and
    `positives` (K, 3) hold the number of the item in the batch first.

    >>> dataset = PatchPairDataset(torch.randn(6, 1, 32, 32), window=16, patch_size=4)
    >>> loader = torch.utils.data.DataLoader(dataset, 3, collate_fn=PatchPairDataset.collate)
    >>> batch = next(iter(loader))
    >>> batch["tokens1"].shape, batch["positives"].shape[1], len(loader)
    (torch.Size([3, 49, 16]), 3, 2)
    """

    def __init__(
        self,
        images: torch.Tensor,
        window: Size,
        patch_size: Size,
        stride: Size | None = None,
        *,
        pairs_per_image: int = 1,
        delta_range: tuple[float, float] | None = None,
        rotation_choices: Sequence[int] | None = None,
        min_fraction: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.images = as_tensor(images)
        if self.images.ndim != 4:
            shape = tuple(self.images.shape)
            raise ShapeError(f"images must be 4D (N, C, H, W), got shape {shape}")
        if pairs_per_image < 1 or not 0 <= min_fraction <= 1:
            raise ConfigError(
                "pairs_per_image must be at least 1 and min_fraction from 0 to 1, "
                f"got {pairs_per_image} and {min_fraction}"
            )
        height, width = self.images.shape[2:]
        size = pair(window, "window")
        self._plan = Plan.of((height, width), size, delta_range, rotation_choices)
        self.patch_size, self.stride = patch_size, stride
        self.pairs_per_image, self.min_fraction, self.seed = pairs_per_image, min_fraction, seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Draw other pairs from now on; call it before the loader starts its workers."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.images) * self.pairs_per_image

    def __getitem__(self, index: int) -> Batch:
        """Give one pair."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"item {index} of {len(self)}")
        batch = self.__getitems__([index % len(self)])
        single = {"tokens1", "tokens2", "deltas", "rotations"}
        item = {name: values[0] if name in single else values for name, values in batch.items()}
        return item | {"positives": batch["positives"][:, 1:]}

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        """Give a batch of pairs, cut as one: what a loader asks for where it can."""
        items = np.asarray(indices, np.uint64)
        draws = uniform(mix(items, self.epoch), self.seed)
        image = torch.from_numpy(items.astype(np.int64) // self.pairs_per_image)
        patches = self._plan.cut(self.images, image, draws)
        found = patches.sequences(self.patch_size, self.stride)
        fractions = found["overlap_fractions"]
        sample, token = torch.nonzero(
            found["overlap_mask1"] & (fractions >= self.min_fraction), as_tuple=True
        )
        partner = found["overlap_indices1_to_2"][sample, token]
        return {
            "tokens1": found["tokens1"],
            "tokens2": found["tokens2"],
            "coords": found["coords1"][0],
            "deltas": patches.deltas,
            "rotations": patches.rotations,
            "positives": torch.stack([sample, token, partner], 1),
            "weights": fractions[sample, token],
        }

    @staticmethod
    def collate(items: Batch | Sequence[Batch]) -> Batch:
        """Join items to a batch; a batch that was cut as one is ready."""
        if isinstance(items, Mapping):
            return dict(items)
        stacked = ("tokens1", "tokens2", "deltas", "rotations")
        batch: Batch = {name: torch.stack([item[name] for item in items]) for name in stacked}
        numbered = [
            torch.nn.functional.pad(item["positives"], (1, 0), value=number)
            for number, item in enumerate(items)
        ]
        return batch | {
            "coords": items[0]["coords"],
            "positives": torch.cat(numbered),
            "weights": torch.cat([item["weights"] for item in items]),
        }
