"""How a pair-matching model is trained: every option that decides the result."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt

from tokenry_core import with_doc
from tokenry_core.errors import ConfigError

__all__ = ["Stage", "TrainingPlan", "learning_rate"]


@dataclass(frozen=True)
class Stage:
    """A part of a training, with the backbone frozen or not."""

    num_epochs: Annotated[int, Ge(1)] = with_doc("epochs of this stage")
    freeze_backbone: bool = with_doc("whether the backbone rests, and its tokens are kept")
    lr: Annotated[float, Gt(0)] | None = with_doc("learning rate; default: the training's", None)


@dataclass(frozen=True)
class TrainingPlan:
    """Everything that decides what a training gives, apart from model, data and seed."""

    num_pairs_per_epoch: Annotated[int, Ge(1)] = with_doc(
        "pairs that an epoch draws; with batch_pairs: all, an epoch embeds as many sets", 10_000
    )
    images_per_set: Annotated[int, Ge(1)] | tuple[int, int] = with_doc(
        "images of a set, or the smallest and the largest number of them", 3
    )
    positive_ratio: Annotated[float, Gt(0), Lt(1)] = with_doc(
        "share of positives, among the pairs or in the weights of the loss", 0.5
    )
    batch_size: Annotated[int, Ge(1)] = with_doc(
        "pairs of a step; with batch_pairs: all, twice as many sets, and every pair among them", 32
    )
    num_epochs: Annotated[int, Ge(1)] = with_doc("epochs, where stages say nothing else", 50)
    lr: Annotated[float, Gt(0)] = with_doc("learning rate after the warm-up", 1e-4)
    weight_decay: Annotated[float, Ge(0)] = with_doc("of AdamW", 1e-5)
    batch_pairs: Literal["all", "random"] = with_doc(
        "all: score every pair among the sets of a step; random: each pair has sets of its own",
        "all",
    )
    stages: tuple[Stage, ...] = with_doc(
        "stages with and without a frozen backbone; default: one, as the model is made", ()
    )
    hard_negatives: Annotated[float, Ge(0), Le(1)] = with_doc(
        "share of steps whose individuals are chosen to be hard to tell apart", 0.0
    )
    warmup: Annotated[float, Ge(0), Lt(1)] = with_doc("share of a stage that warms up", 0.05)
    patience: Annotated[int, Ge(1)] | None = with_doc(
        "stop after so many epochs without a better validation", None
    )
    amp: Literal["auto", "bfloat16", "float32"] = with_doc(
        "precision; auto: bfloat16 where the device has units for it", "auto"
    )
    validation_pairs: Annotated[int, Ge(2)] = with_doc("pairs of each validation", 1000)
    checkpoint_every: Annotated[int, Ge(1)] = with_doc("steps between checkpoints", 500)

    def __post_init__(self) -> None:
        low, high = self.set_size
        if not 1 <= low <= high:
            raise ConfigError(
                f"images_per_set: {self.images_per_set} was given; allowed is a number from 1 on,"
                " or the smallest and the largest of such, in that order"
            )

    @property
    def set_size(self) -> tuple[int, int]:
        """The smallest and the largest number of images of a set."""
        size = self.images_per_set
        return (size, size) if isinstance(size, int) else size

    @property
    def steps_per_epoch(self) -> int:
        """Steps of an epoch: either way of pairing embeds the same number of sets in it."""
        return math.ceil(self.num_pairs_per_epoch / self.batch_size)

    def all_stages(self, freeze_backbone: bool) -> tuple[Stage, ...]:
        """The stages; without any, one in which the backbone is as the model has it."""
        return self.stages or (Stage(self.num_epochs, freeze_backbone),)


def learning_rate(top: float, step: int, steps: int, warmup: float) -> float:
    """Give the rate: a linear warm-up, then half a cosine that falls to zero.

    >>> [round(learning_rate(1.0, step, 100, 0.1), 3) for step in (0, 4, 10, 55, 99)]
    [0.1, 0.5, 1.0, 0.5, 0.0]
    """
    rising = round(steps * warmup)
    if step < rising:
        return top * (step + 1) / rising
    return top * 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))
