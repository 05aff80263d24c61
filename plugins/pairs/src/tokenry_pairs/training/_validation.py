"""Validation: the same pairs after every epoch, and what a model says of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from tokenry_core import Array

from ..evaluation._metrics import pair_metrics
from ..evaluation._vectors import evaluating
from ..model import PairMatchingModel
from ..model._pooling import Shares
from ._draw import Draw, padded
from ._inputs import Inputs
from ._precision import autocast

__all__ = ["Scores", "score_draws"]


_IMAGES = 32  # whose tokens are there at a time


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
    model: PairMatchingModel, draws: Iterable[Draw], inputs: Inputs, device: str, precision: str
) -> Scores:
    """Give the model's logits of all pairs of some draws, in evaluation mode.

    The backbone sees each different image once, however many pairs it is in; of its tokens only
    what it brings to a set is kept.
    """
    draws = list(draws)
    logits = []
    with evaluating(model), autocast(device, precision):
        images = _Shares(model, inputs, [rows for draw in draws for rows in draw.sets])
        for draw in draws:
            vectors = images.vectors(draw.sets, device)
            left, right = (torch.from_numpy(side).to(device) for side in (draw.left, draw.right))
            found = model.head(vectors[left], vectors[right])
            logits.append(found.squeeze(-1).float().cpu().numpy())
    pairs = [(draw, *sides) for draw in draws for sides in zip(draw.left, draw.right, strict=True)]
    return Scores(
        np.concatenate(logits),
        np.concatenate([draw.same for draw in draws]),
        [(draw.sets[a], draw.sets[b]) for draw, a, b in pairs],
    )


class _Shares:
    """What each image of some sets brings to them."""

    def __init__(self, model: PairMatchingModel, inputs: Inputs, sets: Sequence[Array]) -> None:
        self.model = model
        self.rows = np.unique(np.concatenate(sets))
        parts = [
            model.pooling.shares(inputs.tokens(self.rows[start : start + _IMAGES]))
            for start in range(0, len(self.rows), _IMAGES)
        ]
        self.means, self.logs = (torch.cat(side) for side in zip(*parts, strict=True))

    def vectors(self, sets: Sequence[Array], device: str) -> Tensor:
        """Give the vectors (sets, E)."""
        rows, mask = padded(list(sets))
        places = torch.from_numpy(np.searchsorted(self.rows, rows)).to(device)
        shares = Shares(self.means[places], self.logs[places])
        return self.model.pooling.join(shares, torch.from_numpy(mask).to(device))
