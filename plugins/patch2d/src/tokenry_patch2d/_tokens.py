"""Patches to tokens, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tokenry_core.errors import ShapeError
from tokenry_patch2d._grid import Grid, Size, make_grid, pair
from tokenry_patch2d._windows import windows

__all__ = ["tokenize_patch", "untokenize"]


def tokenize_patch(
    patch: torch.Tensor,
    patch_size: Size,
    stride: Size | None = None,
    *,
    out: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Give the tokens of a patch and the corner (y, x) of each.

    Windows of `patch_size` pixels start every `stride` pixels (default: half a window) in row-major
    order. Where the last would pass the border it is moved back to end there, so every pixel is
    covered. A patch (C, H, W) gives tokens (T, C * size * size), each flattened from
    (C, size, size), and int64 coords (T, 2); a batch (N, C, H, W) gives tokens (N, T, D) and the
    same coords. Size and stride may be (height, width) pairs.

    With `out`, a tensor of the tokens' shape and dtype, tokens are written there: faster where the
    same shapes come again and again.

    >>> tokens, coords = tokenize_patch(torch.arange(25.0).view(1, 5, 5), patch_size=2)
    >>> tokens.shape, coords.shape
    (torch.Size([16, 4]), torch.Size([16, 2]))
    >>> tokens[5].tolist(), coords[5].tolist()
    ([6.0, 7.0, 11.0, 12.0], [1, 1])
    """
    patch = as_tensor(patch)
    if patch.ndim not in (3, 4):
        raise ShapeError(
            f"patch must be 3D (C, H, W) or 4D (N, C, H, W), got shape {tuple(patch.shape)}"
        )
    grid = make_grid((patch.shape[-2], patch.shape[-1]), patch_size, stride)
    if patch.ndim == 4:
        return windows(patch, grid, out), grid.coords(patch.device)
    target = None if out is None else out.unsqueeze(0)
    tokens = windows(patch.unsqueeze(0), grid, target)[0]
    return tokens if out is None else out, grid.coords(patch.device)


def untokenize(
    tokens: torch.Tensor,
    size: tuple[int, int],
    patch_size: Size,
    stride: Size | None = None,
) -> torch.Tensor:
    """Put tokens back into patches of `size` (H, W): the mean where tokens overlap.

    The inverse of `tokenize_patch` with the same `patch_size` and `stride`: (T, D) gives (C, H, W)
    and (N, T, D) gives (N, C, H, W). Integers are rounded to the nearest.

    >>> patch = torch.arange(25.0).view(1, 5, 5)
    >>> tokens, _ = tokenize_patch(patch, 3, 2)
    >>> torch.equal(untokenize(tokens, (5, 5), 3, 2), patch)
    True
    """
    tokens = as_tensor(tokens)
    grid = make_grid(pair(size, "size"), patch_size, stride)
    if tokens.ndim not in (2, 3) or tokens.shape[-2] != grid.tokens or tokens.shape[-1] % grid.area:
        raise ShapeError(
            f"tokens must have shape ({grid.tokens}, C * {grid.area}) or "
            f"(N, {grid.tokens}, C * {grid.area}) to fill {grid.extent} with windows of "
            f"{grid.size} every {grid.step} pixels, got {tuple(tokens.shape)}"
        )
    channels = tokens.shape[-1] // grid.area
    parts = tokens.reshape(-1, *grid.count, channels, *grid.size).permute(0, 3, 1, 4, 2, 5)
    columns = _lay(parts.to(_wide(tokens.dtype)), grid, 1).movedim(-1, 2)  # (N, C, W, ny, py)
    sums = _lay(columns, grid, 0).transpose(2, 3)
    cover = _cover(grid, 0, sums)[:, None] * _cover(grid, 1, sums)
    if tokens.dtype.is_floating_point or tokens.dtype.is_complex:
        patch = sums / cover
    else:
        patch = torch.round(sums.double() / cover)
    return patch.to(tokens.dtype).reshape(*tokens.shape[:-2], channels, *grid.extent)


def as_tensor(value: torch.Tensor | NDArray[Any]) -> torch.Tensor:
    """Take a tensor as it is, and an array without copying where torch can."""
    if isinstance(value, torch.Tensor):
        return value
    if isinstance(value, np.ndarray) and not value.flags.writeable:
        value = value.copy()
    return torch.as_tensor(value)


def _wide(dtype: torch.dtype) -> torch.dtype:
    """Give a dtype in which copies of one value, added up and divided again, are that value."""
    if dtype.is_complex:
        return torch.complex128
    return torch.float64 if dtype.is_floating_point else torch.int64


def _lay(parts: torch.Tensor, grid: Grid, axis: int) -> torch.Tensor:
    """Add windows (..., n, p) up where they lie along one axis, giving (..., extent)."""
    whole = parts.new_zeros((*parts.shape[:-2], grid.extent[axis]))
    for window, start in enumerate(grid.origins(axis)):
        whole[..., start : start + grid.size[axis]] += parts[..., window, :]
    return whole


def _cover(grid: Grid, axis: int, like: torch.Tensor) -> torch.Tensor:
    """Count the windows that hold each position along one axis."""
    return _lay(like.new_ones((grid.count[axis], grid.size[axis])), grid, axis)
