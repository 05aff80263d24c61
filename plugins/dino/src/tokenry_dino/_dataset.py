"""Patches of a folder as a dataset for torch, and ways to join samples of different lengths."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from tokenry_core.errors import DataError

from ._records import read_jsonl

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["PatchDataset", "PatchSample", "collate_packed", "collate_padded"]


class PatchSample(TypedDict):
    """One image: its id and its (n, dim) patches."""

    image_id: str
    patches: Tensor


class PatchDataset:
    """The patches of a folder of .npy files, one sample an image.

    It has `__len__` and `__getitem__`, which is all that `torch.utils.data.DataLoader` asks for;
    give that `collate_fn=collate_padded` or `collate_packed`. The order is that of `dataset`, a
    JSONL, or else of the files' names.
    """

    def __init__(
        self, folder: str | os.PathLike[str], dataset: str | os.PathLike[str] | None = None
    ) -> None:
        self.folder = Path(folder)
        there = {file.stem for file in self.folder.glob("*.npy")}
        self.ids = sorted(there) if dataset is None else [r.image_id for r in read_jsonl(dataset)]
        missing = [image_id for image_id in self.ids if image_id not in there]
        if missing or not self.ids:
            raise DataError(
                f"{self.folder} lacks the patches of {len(missing)} of {len(self.ids)} images"
                f" ({', '.join(missing[:3])}); `tokenry dino verify` tells more"
            )

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> PatchSample:
        import torch

        image_id = self.ids[index]
        array = np.load(self.folder / f"{image_id}.npy", allow_pickle=False)
        return {"image_id": image_id, "patches": torch.from_numpy(array)}


def collate_padded(samples: Sequence[PatchSample]) -> dict[str, Any]:
    """Give `patches` (B, longest, dim), zero where `mask` (B, longest) is False, and `image_id`.

    >>> import torch
    >>> one = {"image_id": "a", "patches": torch.ones(2, 3)}
    >>> two = {"image_id": "b", "patches": torch.ones(1, 3)}
    >>> batch = collate_padded([one, two])
    >>> batch["patches"].shape, batch["mask"].tolist()
    (torch.Size([2, 2, 3]), [[True, True], [True, False]])
    """
    import torch
    from torch.nn.utils.rnn import pad_sequence

    patches = [sample["patches"] for sample in samples]
    lengths = torch.tensor([len(part) for part in patches])
    padded = pad_sequence(patches, batch_first=True)
    mask = torch.arange(padded.shape[1]) < lengths[:, None]
    return {"image_id": [s["image_id"] for s in samples], "patches": padded, "mask": mask}


def collate_packed(samples: Sequence[PatchSample]) -> dict[str, Any]:
    """Give `patches` (total, dim), one image after the other, `offsets` (B + 1), and `image_id`.

    >>> import torch
    >>> one = {"image_id": "a", "patches": torch.ones(2, 3)}
    >>> two = {"image_id": "b", "patches": torch.ones(1, 3)}
    >>> batch = collate_packed([one, two])
    >>> batch["patches"].shape, batch["offsets"].tolist()
    (torch.Size([3, 3]), [0, 2, 3])
    """
    import torch

    patches = [sample["patches"] for sample in samples]
    lengths = torch.tensor([0, *map(len, patches)])
    return {
        "image_id": [sample["image_id"] for sample in samples],
        "patches": torch.cat(patches),
        "offsets": lengths.cumsum(0),
    }
