"""One stack of images through the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from tokenry_core import Array

from ._codec import Codec
from ._columns import Images
from ._fitness import judge

__all__ = ["Encoded", "encode_images", "on_device"]


class Encoded(NamedTuple):
    """What became of some rows: `fields` hold the rows where `present` is True."""

    present: Array
    fields: Mapping[str, Array]
    counts: Mapping[str, int]
    bad: Mapping[int, str]


@torch.inference_mode()
def encode_images(codec: Codec, images: Images, device: str) -> Encoded:
    """Give tokens and latents of the rows that have an image, and say which have none."""
    prepared, mask = codec.prepare_images(*on_device(images, device))
    seen = mask.flatten(2).any(2).cpu().numpy()
    missing, bad = judge(images, seen, codec.config)
    present = ~missing
    present[list(bad)] = False
    if bad or not present.any():
        return Encoded(present, {}, {"images_missing": int(missing.sum())}, bad)
    if not present.all():
        keep = torch.from_numpy(present).to(device)
        prepared, mask = prepared[keep], mask[keep]
    latents = codec.encode(prepared).float()
    ids = codec.quantizer.ids(latents)
    fields = {
        "image_tokens": ids.cpu().numpy(),
        "image_latents": latents.cpu().numpy(),
    }
    counts = {
        "images_missing": int(missing.sum()),
        "pixels_masked": int(mask.numel() - mask.sum()),
        "near_ties": int(codec.quantizer.near_ties(latents, ids).sum()),
    }
    return Encoded(present, fields, counts, bad)


def on_device(images: Images, device: str) -> tuple[Tensor, Tensor | None]:
    """Give pixels and ellipses as tensors on a device."""
    ellipses = None
    if images.ellipses is not None:
        ellipses = torch.from_numpy(images.ellipses).float().to(device)
    return torch.from_numpy(images.values).to(device), ellipses
