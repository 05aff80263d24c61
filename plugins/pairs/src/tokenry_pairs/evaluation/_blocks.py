"""Scores of every set with every other, a block at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from tokenry_core import Array

from ..model import PairMatchingModel

__all__ = ["ScoreBlock", "score_blocks", "score_matrix"]

MEMORY = 32 << 20
"""Bytes that a block may need, roughly."""


class ScoreBlock(NamedTuple):
    """Logits of some rows with some columns of the whole table."""

    rows: slice
    columns: slice
    logits: Array


@torch.no_grad()
def score_blocks(
    model: PairMatchingModel,
    embeddings_a: Tensor | Array,
    embeddings_b: Tensor | Array,
    memory: int = MEMORY,
) -> Iterator[ScoreBlock]:
    """Give the logits of every one of (S, E) vectors with every one of (R, E), in blocks.

    What is computed once per vector is kept, (S + R) rows of it; a block is as large as `memory`
    bytes allow, however many vectors there are.
    """
    device = next(model.head.parameters()).device
    comparison = model.head.comparison
    given = [torch.as_tensor(one, device=device) for one in (embeddings_a, embeddings_b)]
    model.head.check(*given)
    left, right = map(comparison.prepare, given)
    side = max(1, math.isqrt(memory // (4 * comparison.pair_width)))
    for row in range(0, len(left), side):
        for column in range(0, len(right), side):
            rows = slice(row, min(row + side, len(left)))
            columns = slice(column, min(column + side, len(right)))
            logits = comparison.table(left[rows], right[columns])
            yield ScoreBlock(rows, columns, logits.float().cpu().numpy())


def score_matrix(
    model: PairMatchingModel,
    embeddings_a: Tensor | Array,
    embeddings_b: Tensor | Array,
    memory: int = MEMORY,
) -> Array:
    """Give all logits, (S, R) of float32; only their table is held, not what made it."""
    out = np.empty((len(embeddings_a), len(embeddings_b)), np.float32)
    for rows, columns, logits in score_blocks(model, embeddings_a, embeddings_b, memory):
        out[rows, columns] = logits
    return out
