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


def recombined(
    images: np.ndarray, labels: np.ndarray, individuals: int = 500, each: int = 12, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Add individuals that are made of these: eight are too few to learn what tells new ones apart.

    Each has a recipe and as many pictures as `each`, made of pictures drawn anew: quarters of four
    digits, halves of two, the mean of two, or one that is turned, mirrored, or erased in part.
    """
    rng = np.random.default_rng(seed)
    of = {int(label): images[labels == label] for label in np.unique(labels)}
    pictures, names = [images], [str(label) for label in labels]
    for recipe in _recipes(rng, sorted(of), individuals):
        kind, parts, way = recipe
        drawn = [of[digit][rng.integers(len(of[digit]), size=each)] for digit in parts]
        pictures.append(_made(kind, drawn, way))
        names += [f"{kind} {parts} {way}"] * each
    return np.concatenate(pictures), np.array(names)


def _recipes(rng: np.random.Generator, known: list[int], count: int) -> list[Any]:
    """Give different recipes: a kind, the digits it takes, and a way of doing it."""
    found: dict[Any, None] = {}
    sizes = {"quarters": 4, "halves": 2, "mean": 2, "turned": 1, "erased": 1}
    ways = {"quarters": 1, "halves": 2, "mean": 1, "turned": 8, "erased": 15}
    while len(found) < count:
        kind = list(sizes)[int(rng.integers(len(sizes)))]
        parts = tuple(int(rng.choice(known)) for _ in range(sizes[kind]))
        way = int(rng.integers(ways[kind]))
        if kind == "mean":
            parts = tuple(sorted(parts))
        if (len(parts) > 1 and len(set(parts)) == 1) or (len(parts) == 1 and way == 0):
            continue  # a digit as it is
        found[kind, parts, way] = None
    return list(found)


def _made(kind: str, drawn: list[np.ndarray], way: int) -> np.ndarray:
    out = drawn[0].copy()
    if kind == "mean":
        return (drawn[0] + drawn[1]) / 2
    if kind == "turned":
        turned = np.rot90(out, way // 2, (1, 2))
        return turned[:, :, ::-1] if way % 2 else turned
    if kind == "erased":
        for quarter in (q for q in range(4) if way >> q & 1):
            down, right = 4 * (quarter // 2), 4 * (quarter % 2)
            out[:, down : down + 4, right : right + 4] = 0
        return out
    if kind == "halves":
        half = np.s_[:, 4:] if way else np.s_[:, :, 4:]
        out[half] = drawn[1][half]
        return out
    for number, other in enumerate(drawn):
        quarter = np.s_[:, 4 * (number // 2) :, 4 * (number % 2) :]
        out[quarter] = other[quarter]  # each covers what the ones before left there
    return out


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
