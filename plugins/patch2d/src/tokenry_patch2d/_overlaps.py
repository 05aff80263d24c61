"""Every pair of tokens that shares any area."""

from __future__ import annotations

import torch

from tokenry_patch2d._grid import Grid
from tokenry_patch2d._matches import Boxes, box_axes

__all__ = ["every_overlap"]


def every_overlap(
    grid: Grid, dx: torch.Tensor, dy: torch.Tensor, turn: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Give pairs (M, 2), their fractions (M,) and where each sample starts (N + 1,)."""
    down, across = box_axes(grid, dx, dy, turn)
    (first_y, count_y), (first_x, count_x) = _runs(down), _runs(across)
    (ny, nx), number = grid.count, len(turn)
    blocks = (count_y[:, :, None] * count_x[:, None, :]).flatten()  # windows met by each token
    owner = torch.repeat_interleave(blocks)  # (M,): sample * T + token
    rank = torch.arange(len(owner), device=owner.device) - (blocks.cumsum(0) - blocks)[owner]
    sample, token = owner // grid.tokens, owner % grid.tokens
    y, x = token // nx, token % nx
    odd = turn[sample] % 2 == 1
    # Row-major in patch 2: what lies across runs fastest, and after an odd turn that is y's run.
    fast = torch.where(odd, count_y[sample, y], count_x[sample, x])
    slow, quick = rank // fast, rank % fast
    met_y = first_y[sample, y] + torch.where(odd, quick, slow)
    met_x = first_x[sample, x] + torch.where(odd, slow, quick)
    area = down.pick(sample, y).overlap(met_y) * across.pick(sample, x).overlap(met_x)
    partner = torch.where(odd, met_x * nx + met_y, met_y * nx + met_x)
    per_sample = blocks.view(number, ny * nx).sum(1).cumsum(0)
    indptr = torch.cat([per_sample.new_zeros(1), per_sample])
    return torch.stack([token, partner], 1), (area / grid.area).to(torch.float32), indptr


def _runs(boxes: Boxes) -> tuple[torch.Tensor, torch.Tensor]:
    """Give the first window that each box touches and how many follow it, itself included."""
    step = 4 * boxes.step
    first = torch.div(boxes.low4 - 4 * boxes.size, step, rounding_mode="floor") + 1
    last = -torch.div(-(boxes.low4 + 4 * boxes.length), step, rounding_mode="floor") - 1
    first = torch.minimum(first.clamp(min=0), boxes.last)
    last = torch.minimum(last, boxes.last)
    # The last window may have been moved back, off the lattice that the divisions assume.
    last = torch.where(boxes.low4 + 4 * boxes.length > 4 * boxes.final, boxes.last, last)
    touched = (boxes.overlap4(first) > 0) & (last >= first)
    return first, torch.where(touched, last - first + 1, 0)
