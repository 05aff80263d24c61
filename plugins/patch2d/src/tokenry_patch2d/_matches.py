"""Which windows two patches share, found one axis at a time.

A shift and a quarter turn carry a window to a window-sized box with sides along the axes, so the
area shared with another window is (overlap along y) * (overlap along x), and the largest product is
made of the largest factors. Two short tables, one per axis, hold all that a search over pairs of
tokens would find.

Along one axis the shared length, as a function of where the other window starts, rises, stays and
falls. Its plateau begins at a known place, so the best window is the first that starts there or the
one before it: two candidates, whatever the number of windows.

This is the definition in torch, for any device. `_kernels.match_axes` does the same on the host.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from tokenry_patch2d._grid import Grid

__all__ = ["FAR", "NEAR", "AxisMatch", "Boxes", "box_axes", "combine", "invert", "match_boxes"]

# A shift this close to a whole or half pixel counts as one. After it has been added to a coordinate
# float64 can hardly tell them apart, and a tie must not be decided by rounding.
NEAR = 2.0**-46
FAR = 1 << 40  # pixels; beyond any patch. Stands for infinite and undefined shifts too.


class Boxes(NamedTuple):
    """Where the windows of one patch lie along one axis of the other, n windows for N pairs.

    The low edge is `low + part` pixels, and `low4` is the same in quarters of a pixel, where `part`
    is reduced to the one of -2, -1, 0, 1, 2 that orders overlaps in the same way: comparisons are
    between integers and so exact.
    """

    low: torch.Tensor  # (N, n) int64
    low4: torch.Tensor  # (N, n) int64
    part: torch.Tensor  # (N, 1) float64, from -0.5 to 0.5
    length: int
    size: torch.Tensor  # (N, 1): the windows met on this axis, their step, first and last
    step: torch.Tensor
    last: torch.Tensor
    final: torch.Tensor

    def start(self, window: torch.Tensor) -> torch.Tensor:
        """Start of windows on the axis that is met."""
        return torch.minimum(window * self.step, self.final)

    def pick(self, pair: torch.Tensor, place: torch.Tensor) -> Boxes:
        """Give single boxes, by pair and place along the axis."""
        low, low4 = self.low[pair, place], self.low4[pair, place]
        part, size, step, last, final = (
            values[pair, 0] for values in (self.part, self.size, self.step, self.last, self.final)
        )
        return Boxes(low, low4, part, self.length, size, step, last, final)

    def overlap4(self, window: torch.Tensor) -> torch.Tensor:
        """Quarter pixels shared with a window, in the reduced sense."""
        gap = self.low4 - 4 * self.start(window)
        inside = (4 * self.size).clamp(max=4 * self.length)
        return torch.minimum(inside, torch.minimum(4 * self.length + gap, 4 * self.size - gap))

    def overlap(self, window: torch.Tensor) -> torch.Tensor:
        """Pixels shared with a window, in float64."""
        gap = self.low - self.start(window)
        rising, falling = (self.length + gap) + self.part, (self.size - gap) - self.part
        inside = self.size.clamp(max=self.length).to(rising.dtype)
        return torch.minimum(inside, torch.minimum(rising, falling))


class AxisMatch(NamedTuple):
    """The best window (-1: none) for each box along an axis, and the pixels they share."""

    window: torch.Tensor  # (N, n) int64
    overlap: torch.Tensor  # (N, n) float64


def box_axes(
    grid: Grid, dx: torch.Tensor, dy: torch.Tensor, turn: torch.Tensor, backward: bool = False
) -> tuple[Boxes, Boxes]:
    """Place the rows and the columns of windows of patch 1 in patch 2, or backward.

    A point (x, y) of patch 1 is at (u, v) = (x - dx, y - dy) before the turn, and at (u, v),
    (W - v, u), (W - u, H - v) or (v, H - u) in patch 2 after 0, 1, 2 or 3 turns. So columns are
    flipped by turns 2 and 3 and rows by turns 1 and 2, which turns the sign of their shift; the way
    back undoes the turn first and then adds the shift.
    """
    odd = turn % 2 == 1
    if backward:
        turn = (4 - turn) % 4
        down, across = torch.where(odd, dx, dy), torch.where(odd, dy, dx)
    flip_y, flip_x = (turn == 1) | (turn == 2), turn >= 2
    if not backward:
        down, across = torch.where(flip_y, dy, -dy), torch.where(flip_x, dx, -dx)
    return _boxes(grid, 0, down, flip_y, odd), _boxes(grid, 1, across, flip_x, odd)


def _boxes(
    grid: Grid, axis: int, shift: torch.Tensor, flip: torch.Tensor, odd: torch.Tensor
) -> Boxes:
    whole = torch.round(shift.nan_to_num(FAR, FAR, -FAR).clamp(-FAR, FAR))
    part = torch.where(whole.abs() < FAR, shift - whole, 0.0)
    size = torch.where(part.abs() > 0.5 - NEAR, 2, torch.where(part.abs() < NEAR, 0, 1))
    starts = grid.starts(axis, shift.device)
    turned = torch.where(flip[:, None], grid.extent[axis] - grid.size[axis] - starts, starts)
    low = turned + whole.long()[:, None]

    def met(numbers: tuple[int, int]) -> torch.Tensor:
        return torch.where(odd, numbers[1 - axis], numbers[axis])[:, None]

    finals = (grid.extent[0] - grid.size[0], grid.extent[1] - grid.size[1])
    return Boxes(
        low,
        4 * low + (size * part.sign().long())[:, None],
        part[:, None],
        grid.size[axis],
        met(grid.size),
        met(grid.step),
        met(grid.count) - 1,
        met(finals),
    )


def match_boxes(boxes: Boxes) -> AxisMatch:
    """Give each box its window of largest overlap, the lowest on ties."""
    plateau = boxes.low4 + 4 * (boxes.length - boxes.size).clamp(max=0)
    after = -torch.div(-plateau, 4 * boxes.step, rounding_mode="floor")
    after = torch.minimum(after.clamp(min=0), boxes.last)
    before = (after - 1).clamp(min=0)
    best = torch.where(boxes.overlap4(before) >= boxes.overlap4(after), before, after)
    met = boxes.overlap4(best) > 0
    return AxisMatch(torch.where(met, best, -1), torch.where(met, boxes.overlap(best), 0.0))


def invert(
    down: AxisMatch, across: AxisMatch, turn: torch.Tensor, grid: Grid
) -> tuple[torch.Tensor, torch.Tensor]:
    """Give, for the windows met along y and x, the first window that chose each (-1: none)."""
    odd = (turn % 2 == 1)[:, None]
    by_row, by_column = _first(down.window, max(grid.count)), _first(across.window, max(grid.count))
    ny, nx = grid.count
    return (
        torch.where(odd, by_column, by_row)[:, :ny],
        torch.where(odd, by_row, by_column)[:, :nx],
    )


def _first(chosen: torch.Tensor, size: int) -> torch.Tensor:
    count, choosers = chosen.shape
    none = choosers
    order = torch.arange(choosers, device=chosen.device).expand(count, -1)
    first = chosen.new_full((count, size + 1), none)
    first.scatter_reduce_(1, torch.where(chosen < 0, size, chosen), order, "amin")
    return torch.where(first < none, first, -1)[:, :size]


def combine(
    down: torch.Tensor, across: torch.Tensor, turn: torch.Tensor, grid: Grid
) -> torch.Tensor:
    """Join windows per row (N, ny) and per column (N, nx) to token numbers (N, T), -1 for none.

    After an odd turn rows meet columns, so what a row found counts across and the other way round.
    """
    down, across, nx = down[:, :, None], across[:, None, :], grid.count[1]
    token = torch.where((turn % 2 == 1)[:, None, None], across * nx + down, down * nx + across)
    return torch.where((down >= 0) & (across >= 0), token, -1).flatten(1)
