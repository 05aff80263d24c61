"""The oracle: every pair of tokens, in exact fractions, straight from the geometry."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import settings

# A shared machine stalls now and then; only the result is under test.
settings.register_profile("patch2d", deadline=None)
settings.load_profile("patch2d")


def _starts(extent: int, size: int, step: int) -> list[int]:
    starts = [0]
    while starts[-1] + size < extent:
        starts.append(min(starts[-1] + step, extent - size))
    return starts


def _point(x: int, y: int, rot: int, height: int, width: int) -> tuple[int, int]:
    """Where a point of patch 1 lies in patch 2, (x, y) already shifted."""
    return [(x, y), (width - y, x), (width - x, height - y), (y, height - x)][rot]


def _areas(
    extent: tuple[int, int],
    dx: float,
    dy: float,
    rot: int,
    size: tuple[int, int],
    step: tuple[int, int],
) -> list[list[Fraction]]:
    """Shared area of each token of patch 1 with each token of patch 2."""
    # In units of the shifts' common denominator every number is an integer, and exact.
    unit = max(Fraction(dx).denominator, Fraction(dy).denominator)
    dx, dy = int(Fraction(dx) * unit), int(Fraction(dy) * unit)
    (height, width), (py, px) = ((a * unit, b * unit) for a, b in (extent, size))
    tokens = [
        (y * unit, x * unit)
        for y in _starts(extent[0], size[0], step[0])
        for x in _starts(extent[1], size[1], step[1])
    ]
    areas = []
    for y, x in tokens:
        corners = [
            _point(x + i - dx, y + j - dy, rot % 4, height, width) for i in (0, px) for j in (0, py)
        ]
        left, right = min(c[0] for c in corners), max(c[0] for c in corners)
        top, bottom = min(c[1] for c in corners), max(c[1] for c in corners)
        areas.append(
            [
                Fraction(
                    max(0, min(right, u + px) - max(left, u))
                    * max(0, min(bottom, v + py) - max(top, v)),
                    unit**2,
                )
                if left < u + px and u < right
                else Fraction(0)
                for v, u in tokens
            ]
        )
    return areas


def _relation(
    extent: tuple[int, int],
    dx: float,
    dy: float,
    rot: int,
    size: tuple[int, int],
    step: tuple[int, int],
    reverse: str = "first",
) -> dict[str, torch.Tensor]:
    """What `build_sequence_pair` has to say of one pair, less the tokens."""
    areas = _areas(extent, dx, dy, rot, size, step)
    count, area = len(areas), size[0] * size[1]
    forth = [row.index(max(row)) if max(row) > 0 else -1 for row in areas]
    fractions = [float(max(row) / area) for row in areas]
    if reverse == "first":
        back = [forth.index(j) if j in forth else -1 for j in range(count)]
    else:
        columns = [[areas[i][j] for i in range(count)] for j in range(count)]
        back = [column.index(max(column)) if max(column) > 0 else -1 for column in columns]
    pairs = [(i, j) for i, j in enumerate(forth) if j >= 0]
    every = [(i, j) for i in range(count) for j in range(count) if areas[i][j] > 0]
    return {
        "overlap_mask1": torch.tensor([j >= 0 for j in forth]),
        "overlap_mask2": torch.tensor([i >= 0 for i in back]),
        "overlap_indices1_to_2": torch.tensor(forth),
        "overlap_indices2_to_1": torch.tensor(back),
        "overlap_fractions": torch.tensor(np.array(fractions, np.float32)),
        "overlap_pairs": torch.tensor(pairs, dtype=torch.int64).view(-1, 2),
        "all_overlaps_flat": torch.tensor(every, dtype=torch.int64).view(-1, 2),
        "all_overlap_fractions_flat": torch.tensor(
            np.array([float(areas[i][j] / area) for i, j in every], np.float32)
        ),
    }


@pytest.fixture(scope="session")
def brute_force() -> Callable[..., dict[str, torch.Tensor]]:
    return _relation


@pytest.fixture(scope="session")
def brute_tokens() -> Callable[..., tuple[torch.Tensor, torch.Tensor]]:
    def tokens(patch: torch.Tensor, size: Any, step: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """Cut a patch (C, H, W) window by window."""
        corners = [
            (y, x)
            for y in _starts(patch.shape[1], size[0], step[0])
            for x in _starts(patch.shape[2], size[1], step[1])
        ]
        cut = [patch[:, y : y + size[0], x : x + size[1]].reshape(-1) for y, x in corners]
        return torch.stack(cut), torch.tensor(corners)

    return tokens
