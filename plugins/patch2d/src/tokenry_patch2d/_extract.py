"""Pairs of patches from images, with a shift and a turn that are known."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from tokenry_core.errors import ConfigError, ShapeError
from tokenry_patch2d._grid import Size, pair
from tokenry_patch2d._plan import DRAWS, HOST, PatchPairs, Plan
from tokenry_patch2d._tokens import as_tensor

__all__ = ["extract_patch_pairs"]


def extract_patch_pairs(
    images: torch.Tensor,
    window: Size,
    num_patches: int,
    delta_range: tuple[float, float] | None = None,
    random_seed: int | None = None,
    rotation_choices: Sequence[int] | None = None,
) -> PatchPairs:
    """Give `num_patches` pairs of patches per image, and the shift and the turn of each pair.

    From images (N, C, H, W) come patches1 and patches2 (N * num_patches, C, *window), image by
    image; deltas (N * num_patches, 2), float32, columns dx and dy: where patch 2 lies as seen from
    patch 1; and rotations (N * num_patches,), int64: the clockwise quarter turns patch 2 was then
    given. `build_sequence_pair` takes them as they are.

    - `delta_range`: smallest and largest Euclidean distance between the two places. Each whole
      displacement in this ring is equally likely. Default: a quarter to three quarters of the
      smaller side of the window.
    - `random_seed`: the same seed gives the same pairs on every device; without one torch's global
      generator is used.
    - `rotation_choices`: the turns to draw from, all equally likely; default: none. A window that
      is not square admits even turns only.

    >>> images = torch.arange(1600.0).view(1, 1, 40, 40)
    >>> first, second, deltas, rotations = extract_patch_pairs(images, (16, 16), 3, random_seed=0)
    >>> first.shape, deltas.shape, rotations.tolist()
    (torch.Size([3, 1, 16, 16]), torch.Size([3, 2]), [0, 0, 0])
    >>> dx, dy = deltas[0].tolist()
    >>> (second - first)[0].unique().item() == dx + 40 * dy
    True
    """
    images, size = as_tensor(images), pair(window, "window")
    if images.ndim != 4:
        raise ShapeError(f"images must be 4D (N, C, H, W), got shape {tuple(images.shape)}")
    if num_patches < 0:
        raise ConfigError(f"num_patches must not be negative, got {num_patches}")
    plan = Plan.of((images.shape[2], images.shape[3]), size, delta_range, rotation_choices)
    source = None if random_seed is None else torch.Generator(HOST).manual_seed(random_seed)
    number = len(images) * num_patches
    draws = torch.rand((number, DRAWS), generator=source, dtype=torch.float64, device=HOST)
    return plan.cut(images, torch.arange(number, device=HOST) // max(1, num_patches), draws)
