"""Handwritten digits as individuals: ten of them, some 180 pictures of 8 x 8 pixels each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

SMALL = {"img_size": 8, "patch_size": 2, "embed_dim": 64, "depth": 2, "num_heads": 4}
"""A vision transformer for pictures of this size, made from nothing."""


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Give the pictures (n, 8, 8), from 0 to 1, and their labels."""
    from sklearn.datasets import load_digits

    found = load_digits()
    return (found.images / 16).astype(np.float32), found.target


def disturbed(images: np.ndarray, seed: int) -> np.ndarray:
    """Shift each picture by up to one pixel either way, and add noise of 0.1."""
    rng = np.random.default_rng(seed)
    out = np.zeros_like(images)
    for image, moved, (dy, dx) in zip(
        images, out, rng.integers(-1, 2, (len(images), 2)), strict=True
    ):
        wide = np.pad(image, 1)
        moved[:] = wide[1 - dy : 9 - dy, 1 - dx : 9 - dx]
    return np.clip(out + rng.normal(0, 0.1, out.shape), 0, 1).astype(np.float32)


def table(images: np.ndarray, labels: np.ndarray) -> Any:
    """Give the table that training reads."""
    import pandas as pd

    return pd.DataFrame({"x": list(np.round(images * 255).astype(np.uint8)), "y": labels})


def shifted(images: Tensor, generator: torch.Generator) -> Tensor:
    """Augment: shift each picture by up to one pixel either way; what comes in is empty."""
    count, side = len(images), images.shape[-1]
    wide = torch.nn.functional.pad(images, (1, 1, 1, 1), value=float(images.min()))
    moves = torch.randint(0, 3, (count, 2), generator=generator)
    places = torch.arange(side)
    rows, columns = (moves[:, axis, None] + places for axis in (0, 1))
    every = torch.arange(count)[:, None, None]
    return wide[every, :, rows[:, :, None], columns[:, None]].permute(0, 3, 1, 2)


def scored_sets(labels: np.ndarray, pairs: int, seed: int) -> list[Any]:
    """Give pairs of sets of 3 of some pictures, half of them of one digit, as the sampler does."""
    from tokenry_pairs.training._pairs import PairSampler
    from tokenry_pairs.training._plan import TrainingPlan

    groups = {label: np.flatnonzero(labels == label) for label in np.unique(labels)}
    return list(PairSampler(groups, TrainingPlan(), seed).draws(pairs))


def yardstick(images: np.ndarray, draws: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Give the cosines of the sets' mean pictures, and whether each pair shows one digit."""
    flat = images.reshape(len(images), -1)
    scores, same = [], []
    for draw in draws:
        means = np.stack([flat[rows].mean(0) for rows in draw.sets])
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        scores.append((means[draw.left] * means[draw.right]).sum(1))
        same.append(draw.same)
    return np.concatenate(scores), np.concatenate(same)
