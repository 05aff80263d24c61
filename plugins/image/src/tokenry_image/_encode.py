"""One stack of images through the network: made ready in one thread, encoded in another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from tokenry_core import Array

from ._codec import Codec, inside
from ._columns import Images
from ._fitness import judge
from ._kernels import prepare_band
from ._surroundings import full_precision

__all__ = ["Encoded", "Ready", "encode_ready", "make_ready"]


class Ready(NamedTuple):
    """Prepared images, zero where masked, of the rows that are `present`; and what is wrong."""

    images: Tensor
    mask: Tensor
    present: Array
    counts: Mapping[str, int]
    bad: Mapping[int, str]


class Encoded(NamedTuple):
    """Tokens and latents of the rows that were present, and counts for the report."""

    fields: Mapping[str, Array]
    counts: Mapping[str, int]


@torch.inference_mode()
def make_ready(codec: Codec, images: Images, device: str) -> Ready:
    """Scale, stretch and mask images, and find the rows that have none."""
    prepared, mask, seen = _prepared(codec, images, device)
    if images.ellipses is not None:
        ellipses = torch.from_numpy(images.ellipses).float().to(device)
        mask &= inside(ellipses, images.size)[:, None]
        prepared.masked_fill_(~mask, 0.0)
        seen = mask.sum((2, 3)).cpu().numpy()
    missing, bad = judge(images, seen > 0, codec.config)
    present = ~missing
    present[list(bad)] = False
    if not present.all():
        keep = torch.from_numpy(present).to(prepared.device)
        prepared, mask = prepared[keep], mask[keep]
    masked = int(present.sum()) * len(images.bands) * images.size**2 - int(seen[present].sum())
    counts = {"images_missing": int(missing.sum()), "pixels_masked": masked}
    return Ready(prepared, mask, present, counts, bad)


@torch.inference_mode()
def encode_ready(codec: Codec, ready: Ready) -> Encoded:
    """Give tokens and latents."""
    if not len(ready.images):
        return Encoded({}, ready.counts)
    with full_precision(ready.images.device):
        latents = codec.encode(ready.images).float()
        ids = codec.quantizer.ids(latents)
        ties = int(codec.quantizer.near_ties(latents, ids).sum())
    fields = {"image_tokens": ids.cpu().numpy(), "image_latents": latents.cpu().numpy()}
    return Encoded(fields, {**ready.counts, "near_ties": ties})


def _prepared(codec: Codec, images: Images, device: str) -> tuple[Tensor, Tensor, Array]:
    """Give images, mask, and how many pixels of each row and band are finite."""
    if torch.device(device).type != "cpu":
        raw = torch.from_numpy(images.stack()).to(device)
        prepared, mask = codec.prepare_images(raw)
        return prepared, mask, mask.sum((2, 3)).cpu().numpy()
    rows, bands, size = len(images.absent), len(images.bands), images.size
    out, seen = np.empty((rows, bands, size**2), np.float32), np.empty((rows, bands, size**2), bool)
    counts = np.zeros((rows, bands), np.int64)
    offset, scale = codec.offset.numpy(), codec.scale.numpy()
    stretched = codec.config.stretch == "arcsinh"
    for number, band in enumerate(images.bands):
        given = np.ascontiguousarray(band).reshape(rows, size**2)
        prepare_band(given, number, offset, scale, stretched, out, seen, counts)
    out[images.absent], seen[images.absent], counts[images.absent] = 0.0, False, 0
    shape = (rows, bands, size, size)
    return torch.from_numpy(out.reshape(shape)), torch.from_numpy(seen.reshape(shape)), counts
