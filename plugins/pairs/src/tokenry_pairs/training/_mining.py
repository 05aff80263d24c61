"""Hard negatives: individuals that the model, as it is, can hardly tell apart."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from tokenry_core import Array

__all__ = ["LabelBank"]

Score = Callable[[Tensor, Tensor], Tensor]


class LabelBank:
    """Remembers the latest vector of each individual, as training passes by.

    It costs no forward pass: the vectors are those of the steps. Individuals that were not seen
    yet are nobody's neighbour.
    """

    def __init__(self, labels: int, dim: int, device: str) -> None:
        self.vectors = torch.full((labels, dim), torch.nan, device=device)

    def keep(self, labels: Array, vectors: Tensor) -> None:
        """Take the vectors of a step's sets, the first of each individual."""
        numbers, first = np.unique(labels, return_index=True)
        self.vectors[torch.from_numpy(numbers)] = vectors.detach()[first].to(self.vectors)

    @torch.no_grad()
    def neighbours(self, score: Score, labels: Array, count: int) -> Array:
        """Give others that score highest with these; fewer where too few were seen.

        The nearest of each comes before the second nearest of any.
        """
        seen = ~self.vectors[:, 0].isnan()
        anchors = torch.from_numpy(labels).to(seen.device)
        anchors = anchors[seen[anchors]]
        if not len(anchors):
            return np.zeros(0, np.int64)
        others = torch.nonzero(seen).flatten()
        others = others[~torch.isin(others, torch.from_numpy(labels).to(others))]
        if not len(others):
            return np.zeros(0, np.int64)
        scores = score(self.vectors[anchors], self.vectors[others])
        ranked = others[scores.argsort(dim=1, descending=True, stable=True)[:, :count]]
        found: dict[int, None] = dict.fromkeys(ranked.T.flatten().tolist())
        return np.array(list(found)[:count], np.int64)
