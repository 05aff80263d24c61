"""Validation: the same pairs after every epoch, and what a model says of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from tokenry_core import Array

from ..model import PairMatchingModel
from ._draw import Draw
from ._inputs import Inputs
from ._precision import autocast
from ._step import PairStep

__all__ = ["Scores", "measures", "score_draws"]


class Scores(NamedTuple):
    """Logits of pairs, and whether each is of one individual."""

    logits: Array
    same: Array

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
    for draw in draws:
        with autocast(device, precision):
            found = step(inputs(draw, 0)).logits
        logits.append(found.float().cpu().numpy())
        same.append(draw.same)
    model.train(was_training)
    return Scores(np.concatenate(logits), np.concatenate(same))


def measures(scores: Scores) -> dict[str, float]:
    """Give the metrics of scores, each named after the validation."""
    from sklearn.metrics import roc_auc_score

    return {"val_auc_roc": float(roc_auc_score(scores.same, scores.logits))}
