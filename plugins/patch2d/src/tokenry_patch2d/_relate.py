"""The table of matches between the tokens of two patches."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from tokenry_patch2d._grid import Grid
from tokenry_patch2d._matches import box_axes, combine, invert, match_boxes
from tokenry_patch2d._memory import fresh
from tokenry_patch2d._threads import split
from tokenry_patch2d._windows import has_host_memory

__all__ = ["Relation", "relate", "traced_relation"]

BYTES_PER_TOKEN = 38  # of the outputs


class Relation(NamedTuple):
    """Which tokens match, there and back, for N pairs of T tokens each."""

    forth: torch.Tensor  # (N, T) int64, -1: none
    forth_mask: torch.Tensor  # (N, T) bool
    fractions: torch.Tensor  # (N, T) float32
    back: torch.Tensor
    back_mask: torch.Tensor
    pairs: torch.Tensor  # (N, P, 2) int64, padded with -1
    counts: torch.Tensor  # (N,) int64


def relate(
    grid: Grid, dx: torch.Tensor, dy: torch.Tensor, turn: torch.Tensor, reverse: str
) -> Relation:
    """Match every token of patch 1, and find the way back (`reverse`: "first" or "best")."""
    if has_host_memory(dx) and has_host_memory(dy) and has_host_memory(turn):
        return _by_kernel(grid, dx, dy, turn, reverse)
    return traced_relation(grid, dx, dy, turn, reverse)


def traced_relation(
    grid: Grid, dx: torch.Tensor, dy: torch.Tensor, turn: torch.Tensor, reverse: str
) -> Relation:
    """Give the same in plain torch. One number leaves the device: the size of `pairs`."""
    down, across = map(match_boxes, box_axes(grid, dx, dy, turn))
    forth = combine(down.window, across.window, turn, grid)
    shared = down.overlap[:, :, None] * across.overlap[:, None, :]
    fractions = (shared / grid.area).to(torch.float32).flatten(1)
    if reverse == "best":
        back_down, back_across = map(match_boxes, box_axes(grid, dx, dy, turn, backward=True))
        back = combine(back_down.window, back_across.window, turn, grid)
    else:
        back = combine(*invert(down, across, turn, grid), turn, grid)
    pairs, counts = _pairs(forth)
    return Relation(forth, forth >= 0, fractions, back, back >= 0, pairs, counts)


def _pairs(forth: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Move the matches of each row to its front."""
    hit = forth >= 0
    counts = hit.sum(1)
    most = int(counts.max()) if counts.numel() else 0
    place = torch.where(hit, hit.cumsum(1) - 1, most)  # what is no match goes to a spare column
    token = torch.arange(forth.shape[1], device=forth.device).expand_as(forth)
    spare = forth.new_full((forth.shape[0], most + 1), -1)
    firsts, seconds = spare.scatter(1, place, token), spare.scatter(1, place, forth)
    return torch.stack([firsts[:, :most], seconds[:, :most]], -1), counts


def _by_kernel(
    grid: Grid, dx: torch.Tensor, dy: torch.Tensor, turn: torch.Tensor, reverse: str
) -> Relation:
    from tokenry_patch2d._kernels import fill_pairs, match_axes

    number, (ny, nx) = len(turn), grid.count
    rows, columns = zip(grid.extent, grid.size, grid.step, strict=True)
    shifts = turn.numpy(), dx.numpy(), dy.numpy()
    windows, back_windows = np.empty((2, number, ny + nx), np.int64)
    overlaps = np.empty((2, number, ny + nx))
    counts = np.empty((2, number), np.int64)
    match_axes(rows, columns, *shifts, False, windows, overlaps[0], counts[0], 0, number)
    if reverse == "best":
        match_axes(rows, columns, *shifts, True, back_windows, overlaps[1], counts[1], 0, number)

    shape, most = (number, grid.tokens), int(counts[0].max(initial=0))
    relation = Relation(
        forth=fresh(shape, torch.int64),
        forth_mask=fresh(shape, torch.bool),
        fractions=fresh(shape, torch.float32),
        back=fresh(shape, torch.int64),
        back_mask=fresh(shape, torch.bool),
        pairs=fresh((number, most, 2), torch.int64),
        counts=torch.from_numpy(counts[0]),
    )
    tables = (turn.numpy(), windows, overlaps[0], reverse == "first", back_windows)
    arrays = [output.numpy() for output in relation[:-1]]
    split(
        lambda start, stop: fill_pairs(ny, nx, float(grid.area), *tables, *arrays, start, stop),
        number,
        number * grid.tokens * BYTES_PER_TOKEN,
    )
    return relation
