"""What pairs can be cut from images of one size, and the cutting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch

from tokenry_core.errors import ConfigError, ShapeError
from tokenry_patch2d._grid import Size
from tokenry_patch2d._pairs import build_sequence_pair

__all__ = ["DRAWS", "HOST", "PatchPairs", "Plan"]

# Draws are made here and sent to the images' device, so that a seed means the same everywhere.
HOST = torch.device("cpu")
DRAWS = 4  # random numbers that a pair takes: displacement, turn, place along x and along y


class PatchPairs(NamedTuple):
    """Pairs of patches, where patch 2 lies as seen from patch 1, and how it was then turned."""

    patches1: torch.Tensor  # (M, C, h, w)
    patches2: torch.Tensor
    deltas: torch.Tensor  # (M, 2) float32, columns dx, dy
    rotations: torch.Tensor  # (M,) int64, clockwise quarter turns

    def sequences(
        self,
        patch_size: Size,
        stride: Size | None = None,
        *,
        reverse: Literal["first", "best"] = "first",
    ) -> dict[str, torch.Tensor]:
        """Give the tokens of both patches of each pair, and which of them show the same place."""
        dx, dy = self.deltas.unbind(1)
        return build_sequence_pair(
            self.patches1,
            self.patches2,
            dx,
            dy,
            self.rotations,
            patch_size,
            stride,
            reverse=reverse,
        )


@dataclass(frozen=True)
class Plan:
    """Every displacement and turn there is to draw, and the room to place the windows."""

    size: tuple[int, int]
    room: torch.Tensor  # (2,): how far a window can move along x and y
    shifts: torch.Tensor  # (R, 2), columns dx, dy
    turns: torch.Tensor

    @classmethod
    def of(
        cls,
        extent: tuple[int, int],
        size: tuple[int, int],
        delta_range: tuple[float, float] | None,
        rotation_choices: Sequence[int] | None,
    ) -> Plan:
        """Check what is asked for against images of `extent` (H, W)."""
        turns = _turns(rotation_choices, size)
        shifts = _ring(_range(delta_range, size))
        return cls(size, _room(extent, size, shifts), shifts, turns)

    def cut(self, images: torch.Tensor, image: torch.Tensor, draws: torch.Tensor) -> PatchPairs:
        """Cut a pair from each `image` (M,), as `draws` (M, 4), uniform from 0 to 1, decide."""
        shift = self.shifts[_choice(draws[:, 0], len(self.shifts))]
        turn = self.turns[_choice(draws[:, 1], len(self.turns))]
        # The first place has to leave space for the second, on whichever side that lies.
        place = _choice(draws[:, 2:], self.room - shift.abs() + 1) - shift.clamp(max=0)
        patches1 = _cut(images, self.size, image, place)
        patches2 = _turned(_cut(images, self.size, image, place + shift), turn)
        device = images.device
        return PatchPairs(patches1, patches2, shift.to(device, torch.float32), turn.to(device))


def _choice(draws: torch.Tensor, choices: torch.Tensor | int) -> torch.Tensor:
    # A draw just below one can be rounded up to one choice too many.
    last = torch.as_tensor(choices, device=HOST) - 1
    return torch.minimum((draws * choices).long(), last)


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


def _turns(choices: Sequence[int] | None, size: tuple[int, int]) -> torch.Tensor:
    height, width = size
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


def _room(extent: tuple[int, int], size: tuple[int, int], shifts: torch.Tensor) -> torch.Tensor:
    """How far a window can move along x and y, once every shift is known to fit."""
    height, width = extent
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
