"""Validation: the same pairs after every epoch, and what a model says of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from tokenry_core import Array

from ..evaluation._metrics import pair_metrics
from ..model import PairMatchingModel
from ._draw import Draw
from ._inputs import Inputs
from ._precision import autocast
from ._step import PairStep

__all__ = ["Scores", "score_draws"]


class Scores(NamedTuple):
    """Logits of pairs, whether each is of one individual, and the rows of its two sets."""

    logits: Array
    same: Array
    rows: list[tuple[Array, Array]]

    @property
    def metrics(self) -> dict[str, float]:
        """The loss and the metrics of the pairs."""
        return {"val_loss": self.loss, **pair_metrics(self.same, self.logits)}

    @property
    def loss(self) -> float:
        """The mean cross-entropy."""
        signed = np.where(self.same, -self.logits, self.logits).astype(np.float64)
        return float(np.logaddexp(0, signed).mean())


@torch.no_grad()
def score_draws(
    model: PairMatchingModel, draws: Iterator[Draw], inputs: Inputs, device: str, precision: str
) -> Scores:
    """Give the model's logits of all pairs of some draws, in evaluation mode."""
    step, was_training = PairStep(model), model.training
    model.eval()
    logits, same = [], []
    rows: list[tuple[Array, Array]] = []
    for draw in draws:
        with autocast(device, precision):
            found = step(inputs(draw, 0)).logits
        logits.append(found.float().cpu().numpy())
        same.append(draw.same)
        rows += [(draw.sets[a], draw.sets[b]) for a, b in zip(draw.left, draw.right, strict=True)]
    model.train(was_training)
    return Scores(np.concatenate(logits), np.concatenate(same), rows)
