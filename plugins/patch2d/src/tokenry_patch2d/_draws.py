"""Uniform numbers that depend on what is drawn for, and on nothing else."""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from numpy.typing import NDArray

from tokenry_core import mix
from tokenry_patch2d._plan import DRAWS

__all__ = ["content_keys", "uniform"]

Keys = NDArray[np.uint64]


def uniform(keys: Keys, seed: int) -> torch.Tensor:
    """Give the numbers, from 0 to 1, that each pair takes (M, 4), by its key and the seed."""
    streams = mix(keys, seed)[:, None] + np.arange(DRAWS, dtype=np.uint64)
    return torch.from_numpy((mix(streams) >> np.uint64(11)) * 2.0**-53)


def content_keys(images: torch.Tensor) -> Keys:
    """Give a number for each image that its pixels decide."""
    flat = images.flatten(1).numpy()
    digests = [hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in flat]
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)
