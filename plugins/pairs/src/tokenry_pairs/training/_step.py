"""PairStep: one step's forward pass, as a module, so that it can be wrapped for many devices."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..model import PairMatchingModel

__all__ = ["PairStep", "StepInput", "StepOutput"]


class StepInput(NamedTuple):
    """What a step computes with.

    `tokens` (sets, images, tokens, dim) are there already, or `pixels` (n, 3, H, W) of the step's
    different images are, with `where` (sets, images) saying which image is where.
    """

    mask: Tensor
    left: Tensor
    right: Tensor
    same: Tensor
    labels: Tensor
    tokens: Tensor | None = None
    pixels: Tensor | None = None
    where: Tensor | None = None


class StepOutput(NamedTuple):
    """Logits of the pairs, and the vectors of the sets."""

    logits: Tensor
    vectors: Tensor


class PairStep(nn.Module):
    """Embeds the sets of a step once each, and scores its pairs."""

    def __init__(self, model: PairMatchingModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, given: StepInput, harder: bool = False) -> StepOutput:
        """Give logits and vectors; `harder` pairs each negative's first set anew.

        Its partner is then the set, of another individual, that the model finds most like it.
        """
        tokens = given.tokens
        if tokens is None:
            assert given.pixels is not None
            assert given.where is not None
            tokens = self.model.tokens(given.pixels)[given.where]
        vectors = self.model.embed_tokens(tokens, None if given.mask.all() else given.mask)
        right = self._harder(vectors, given) if harder else given.right
        logits = self.model.head(vectors[given.left], vectors[right]).squeeze(-1)
        return StepOutput(logits, vectors)

    @torch.no_grad()
    def _harder(self, vectors: Tensor, given: StepInput) -> Tensor:
        scores = self.model.score_all(vectors[given.left], vectors[given.right])
        same = given.labels[given.left][:, None] == given.labels[given.right][None]
        hardest = given.right[scores.float().masked_fill(same, -torch.inf).argmax(1)]
        keep = (given.same > 0.5) | same.all(1)
        return torch.where(keep, given.right, hardest)
