"""Where the windows of a patch start: sizes, strides and the moved-back edge."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tokenry_core.errors import ConfigError

__all__ = ["Grid", "Size", "host_starts", "make_grid", "pair"]

Size = int | Sequence[int]


@dataclass(frozen=True)
class Grid:
    """Windows of `size` pixels every `step` pixels over `extent` pixels, each a (y, x) pair.

    Along one axis window j starts at min(j * step, extent - size): the last is moved back to end at
    the border, so every pixel is covered and no window leaves the patch.
    """

    extent: tuple[int, int]
    size: tuple[int, int]
    step: tuple[int, int]

    @property
    def count(self) -> tuple[int, int]:
        """Windows down and windows across."""
        ny, nx = (
            -(-(extent - size) // step) + 1
            for extent, size, step in zip(self.extent, self.size, self.step, strict=True)
        )
        return ny, nx

    @property
    def tokens(self) -> int:
        """Windows in all."""
        ny, nx = self.count
        return ny * nx

    @property
    def area(self) -> int:
        """Pixels in one window."""
        return self.size[0] * self.size[1]

    @property
    def regular(self) -> tuple[bool, bool]:
        """Whether the last window already lies on the lattice, down and across."""
        return (
            (self.extent[0] - self.size[0]) % self.step[0] == 0,
            (self.extent[1] - self.size[1]) % self.step[1] == 0,
        )

    def origins(self, axis: int) -> list[int]:
        """Start of every window along `axis` (0: y, 1: x), as numbers."""
        last = self.extent[axis] - self.size[axis]
        return [min(window * self.step[axis], last) for window in range(self.count[axis])]

    def starts(self, axis: int, device: torch.device) -> torch.Tensor:
        """Start of every window along `axis`, made on the device."""
        lattice = torch.arange(self.count[axis], device=device) * self.step[axis]
        return lattice.clamp(max=self.extent[axis] - self.size[axis])

    def coords(self, device: torch.device) -> torch.Tensor:
        """Corner (y, x) of every window in row-major order, int64 of shape (T, 2)."""
        if device.type == "cpu" and not torch.compiler.is_compiling():
            return torch.from_numpy(_host_coords(self)).clone()
        ny, nx = self.count
        ys, xs = self.starts(0, device)[:, None], self.starts(1, device)[None]
        return torch.stack([ys.expand(ny, nx), xs.expand(ny, nx)], -1).reshape(-1, 2)


@lru_cache(maxsize=256)
def host_starts(grid: Grid) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the starts down and across for the kernels, remembered between calls."""
    return np.array(grid.origins(0), np.int64), np.array(grid.origins(1), np.int64)


@lru_cache(maxsize=64)
def _host_coords(grid: Grid) -> NDArray[np.int64]:
    ys, xs = host_starts(grid)
    return np.stack(np.meshgrid(ys, xs, indexing="ij"), -1).reshape(-1, 2)


def make_grid(extent: tuple[int, int], patch_size: Size, stride: Size | None) -> Grid:
    """Check sizes and strides against a patch of `extent` (H, W) and give its grid."""
    size = pair(patch_size, "patch_size")
    step = (
        (max(1, size[0] // 2), max(1, size[1] // 2)) if stride is None else pair(stride, "stride")
    )
    if step[0] > size[0] or step[1] > size[1]:
        raise ConfigError(
            f"stride ({_shown(step)}) must be <= patch_size ({_shown(size)}), "
            "or pixels between the windows would be lost"
        )
    if size[0] > extent[0] or size[1] > extent[1]:
        raise ConfigError(
            f"patch_size ({_shown(size)}) must be <= patch dimensions ({extent[0]}, {extent[1]})"
        )
    return Grid(extent, size, step)


def pair(value: Any, name: str) -> tuple[int, int]:
    """Read a positive number, or a (height, width) pair of them.

    >>> pair(16, "patch_size"), pair((8, 16), "patch_size")
    ((16, 16), (8, 16))
    """
    parts = (
        tuple(value) if isinstance(value, Sequence | np.ndarray | torch.Size) else (value, value)
    )
    if len(parts) != 2 or isinstance(value, str):
        raise ConfigError(f"{name} must be an integer or a (height, width) pair, got {value!r}")
    try:
        numbers = operator.index(parts[0]), operator.index(parts[1])
    except TypeError:
        raise ConfigError(f"{name} must be made of integers, got {value!r}") from None
    if min(numbers) <= 0 or bool in map(type, parts):
        raise ConfigError(f"{name} must be positive, got {value!r}")
    return numbers


def _shown(numbers: tuple[int, int]) -> str:
    return str(numbers[0]) if numbers[0] == numbers[1] else f"{numbers[0]}, {numbers[1]}"
