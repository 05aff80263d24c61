"""The loss of pairs, and the weights that make its positives count as much as is wanted."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from tokenry_core.errors import ConfigError, ShapeError

__all__ = ["PairMatchingLoss", "balanced_weights"]


class PairMatchingLoss(nn.Module):
    """Binary cross-entropy of logits, with `pos_weight` for each pair of the same individual.

    >>> loss = PairMatchingLoss()
    >>> round(float(loss(torch.tensor([[2.0], [-2.0]]), torch.tensor([1, 0]))), 4)
    0.1269
    """

    pos_weight: Tensor | None

    def __init__(self, pos_weight: float | None = None) -> None:
        super().__init__()
        if pos_weight is not None and not pos_weight > 0:
            raise ConfigError(f"pos_weight: {pos_weight} was given; allowed is a number above 0")
        self.register_buffer(
            "pos_weight", None if pos_weight is None else torch.tensor(float(pos_weight))
        )

    def forward(self, logits: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
        """Give the mean loss; `weights` of the pairs, where given, make it a weighted mean."""
        if logits.numel() != labels.numel():
            raise ShapeError(
                f"{tuple(logits.shape)} logits and {tuple(labels.shape)} labels were given; each"
                " pair has one of both"
            )
        logits, wanted = logits.reshape(-1).float(), labels.reshape(-1).to(logits.device).float()
        each = binary_cross_entropy_with_logits(
            logits, wanted, pos_weight=self.pos_weight, reduction="none"
        )
        if weights is None:
            return each.mean()
        weights = weights.reshape(-1).to(each)
        return (each * weights).sum() / weights.sum()


def balanced_weights(labels: Tensor, positive_ratio: float = 0.5) -> Tensor:
    """Give weights under which positives have this share of the whole, however few they are.

    >>> balanced_weights(torch.tensor([1, 0, 0, 0]))
    tensor([0.5000, 0.1667, 0.1667, 0.1667])
    """
    same = labels.reshape(-1) > 0.5
    positives = same.sum().clamp(min=1)
    negatives = (~same).sum().clamp(min=1)
    return torch.where(same, positive_ratio / positives, (1 - positive_ratio) / negatives)
