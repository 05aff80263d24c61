"""Pairs of patches from images, with a shift and a turn that are known."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from tokenry_core.errors import ConfigError, ShapeError
from tokenry_patch2d._grid import Size, pair
from tokenry_patch2d._tokens import as_tensor

__all__ = ["extract_patch_pairs"]

# Draws are made here and sent to the images' device, so that a seed means the same everywhere.
HOST = torch.device("cpu")


def extract_patch_pairs(
    images: torch.Tensor,
    window: Size,
    num_patches: int,
    delta_range: tuple[float, float] | None = None,
    random_seed: int | None = None,
    rotation_choices: Sequence[int] | None = None,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
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
    images, size, turns = (
        as_tensor(images),
        pair(window, "window"),
        _turns(rotation_choices, window),
    )
    if images.ndim != 4:
        raise ShapeError(f"images must be 4D (N, C, H, W), got shape {tuple(images.shape)}")
    if num_patches < 0:
        raise ConfigError(f"num_patches must not be negative, got {num_patches}")
    shifts = _ring(_range(delta_range, size))  # (R, 2), columns dx, dy
    room = _room(images, size, shifts)

    source = None if random_seed is None else torch.Generator(HOST).manual_seed(random_seed)
    number = len(images) * num_patches
    shift = shifts[_draw(len(shifts), number, source)]
    # The first place has to leave space for the second, on whichever side that lies.
    free = room - shift.abs() + 1
    draw = torch.rand((number, 2), generator=source, dtype=torch.float64, device=HOST)
    place = torch.minimum((draw * free).long(), free - 1) - shift.clamp(max=0)
    turn = turns[_draw(len(turns), number, source)]

    image = torch.arange(number, device=HOST) // max(1, num_patches)
    patches1 = _cut(images, size, image, place)
    patches2 = _turned(_cut(images, size, image, place + shift), turn)
    device = images.device
    return patches1, patches2, shift.to(device, torch.float32), turn.to(device)


def _draw(choices: int, number: int, source: torch.Generator | None) -> torch.Tensor:
    return torch.randint(choices, (number,), generator=source, device=HOST)


def _cut(
    images: torch.Tensor, size: tuple[int, int], image: torch.Tensor, place: torch.Tensor
) -> torch.Tensor:
    """Copy the windows whose corners are `place` (x, y)."""
    image, (x, y) = image.to(images.device), place.to(images.device).unbind(1)
    return images.unfold(2, size[0], 1).unfold(3, size[1], 1)[image, :, y, x]


def _turned(patches: torch.Tensor, turn: torch.Tensor) -> torch.Tensor:
    """Turn each patch clockwise. Turns are still on the host, so no device is waited for."""
    for quarter in (1, 2, 3):
        chosen = torch.nonzero(turn == quarter)[:, 0].to(patches.device)
        if len(chosen):
            turned = torch.rot90(patches[chosen], -quarter, (2, 3))
            patches = patches.index_copy(0, chosen, turned)
    return patches


def _turns(choices: Sequence[int] | None, window: Size) -> torch.Tensor:
    height, width = pair(window, "window")
    numbers = [0] if choices is None else [int(choice) % 4 for choice in choices]
    if not numbers:
        raise ConfigError("rotation_choices must name at least one turn, such as (0,), got none")
    if height != width and any(number % 2 for number in numbers):
        raise ConfigError(
            f"rotation_choices must be even (0 or 2) for the window ({height}, {width}): an odd "
            f"quarter turn of a window that is not square has another shape, got {choices}"
        )
    return torch.tensor(numbers, device=HOST)


def _range(delta_range: tuple[float, float] | None, size: tuple[int, int]) -> tuple[float, float]:
    if delta_range is None:
        return min(size) / 4, 3 * min(size) / 4
    low, high = delta_range
    if not 0 <= low <= high < math.inf:
        raise ConfigError(
            f"delta_range must satisfy 0 <= low <= high and be finite, got ({low}, {high})"
        )
    return low, high


def _ring(limits: tuple[float, float]) -> torch.Tensor:
    """Give every whole displacement (dx, dy) whose length is in the range."""
    low, high = limits
    reach = math.floor(high)
    steps = torch.arange(-reach, reach + 1, device=HOST)
    dy, dx = torch.meshgrid(steps, steps, indexing="ij")
    length = torch.sqrt((dx * dx + dy * dy).double())
    ring = torch.stack([dx, dy], -1)[(length >= low) & (length <= high)]
    if not len(ring):
        raise ConfigError(
            f"delta_range ({low}, {high}) holds no whole displacement: widen it, for example to "
            f"({math.floor(low)}, {math.ceil(high)})"
        )
    return ring


def _room(images: torch.Tensor, size: tuple[int, int], shifts: torch.Tensor) -> torch.Tensor:
    """How far a window can move along x and y, once every shift is known to fit."""
    height, width = images.shape[2:]
    reach_x, reach_y = shifts.abs().amax(0).tolist()
    need_y, need_x = size[0] + reach_y, size[1] + reach_x
    if height < need_y or width < need_x:
        farthest = math.sqrt(float((shifts * shifts).sum(1).max()))
        raise ShapeError(
            f"Images of ({height}, {width}) are too small for the window {size} and displacements "
            f"of up to {farthest:g} pixels: the smallest image that would do is "
            f"({need_y}, {need_x}). Use a smaller window or a smaller delta_range"
        )
    return torch.tensor([width - size[1], height - size[0]], device=HOST)
