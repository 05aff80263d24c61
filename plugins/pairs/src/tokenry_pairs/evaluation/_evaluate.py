"""evaluate_pair_matching_model: the metrics of a model on labelled images."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tokenry_core.errors import ConfigError

from ..data._images import ImageTransform
from ..model import PairMatchingModel
from ..training._images import Images
from ..training._inputs import LiveInputs
from ..training._pairs import PairSampler
from ..training._plan import TrainingPlan
from ..training._validation import Scores, score_draws
from ._metrics import pair_metrics

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["evaluate_pair_matching_model", "score_pairs"]


def evaluate_pair_matching_model(
    model: PairMatchingModel,
    eval_df: pd.DataFrame,
    num_pairs: int = 1000,
    images_per_set: int | tuple[int, int] = 3,
    batch_size: int = 32,
    threshold: float = 0.5,
    *,
    positive_ratio: float = 0.5,
    seed: int = 0,
    temperature: float = 1.0,
    transform: Callable[[Any], Any] | None = None,
) -> dict[str, float]:
    """Give accuracy, precision, recall, F1 and the other metrics of `pair_metrics`.

    `eval_df` has images `x` and labels `y`, of individuals that the model need not know. The same
    seed gives the same pairs; `transform` makes a tensor of an image, as in training.
    """
    scores = score_pairs(
        model,
        eval_df,
        num_pairs,
        images_per_set,
        batch_size,
        positive_ratio=positive_ratio,
        seed=seed,
        transform=transform,
    )
    return pair_metrics(scores.same, scores.logits, threshold, temperature)


def score_pairs(
    model: PairMatchingModel,
    eval_df: pd.DataFrame,
    num_pairs: int = 1000,
    images_per_set: int | tuple[int, int] = 3,
    batch_size: int = 32,
    *,
    positive_ratio: float = 0.5,
    seed: int = 0,
    transform: Callable[[Any], Any] | None = None,
) -> Scores:
    """Give the logits of pairs of image sets, and whether each pair is of one individual."""
    numbers = {"num_pairs": (num_pairs, 1), "batch_size": (batch_size, 1), "seed": (seed, 0)}
    for name, (given, least) in numbers.items():
        if not isinstance(given, int) or given < least:
            raise ConfigError(f"{name}: {given!r} was given; allowed is a number from {least}")
    images = Images(eval_df, transform or ImageTransform.of(model.backbone))
    plan = TrainingPlan(
        images_per_set=images_per_set, positive_ratio=positive_ratio, batch_size=batch_size
    )
    draws = PairSampler(images.groups, plan, seed).draws(num_pairs)
    device = str(next(model.parameters()).device)
    return score_draws(model, draws, LiveInputs(model, images, device), device, "float32")
