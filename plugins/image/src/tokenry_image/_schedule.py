"""How far a training is in its budget, which phase that is, and the learning rate there."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Literal

from ._config import ImageConfig, ImageTraining

__all__ = ["Budget", "Phase", "learning_rate", "phases"]

_AUTOENCODER_SHARE = 0.4


@dataclass(frozen=True)
class Phase:
    """A part of a training, from share `start` of its budget to share `stop`."""

    name: Literal["joint", "autoencoder", "codebook"]
    start: float
    stop: float


def phases(config: ImageConfig, fitted: bool) -> tuple[Phase, ...]:
    """Give the phases of a training; `fitted` says that the encoder is finished at its beginning.

    fsq has one. A learned codebook is made of the latents of a finished encoder, which rests from
    then on, while the decoder learns what the codewords look like: an encoder that moves together
    with its codebook gathers its latents at a few words.
    """
    if config.quantizer == "fsq":
        return (Phase("joint", 0.0, 1.0),)
    share = config.training.autoencoder_share
    if share is None:
        share = 0.0 if fitted else _AUTOENCODER_SHARE
    last = Phase("codebook", share, 1.0)
    return (Phase("autoencoder", 0.0, share), last) if share else (last,)


@dataclass
class Budget:
    """Counts steps or minutes; `spent` seconds were spent before an interruption."""

    training: ImageTraining
    spent: float = 0.0

    def __post_init__(self) -> None:
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds in training, interruptions left out."""
        return self.spent + time.monotonic() - self._start

    def share(self, step: int) -> float:
        """Share of the budget that is used before this step; 1 or more when it is used up."""
        if self.training.minutes is None:
            return step / self.training.steps
        return self.seconds / 60 / self.training.minutes


def learning_rate(training: ImageTraining, phase: Phase, share: float) -> float:
    """Give the rate: a linear warm-up, then half a cosine that ends at zero with the phase.

    >>> t, whole = ImageTraining(learning_rate=1.0, warmup=0.1), Phase("joint", 0.0, 1.0)
    >>> [round(learning_rate(t, whole, share), 3) for share in (0.05, 0.1, 0.55, 1.0)]
    [0.5, 1.0, 0.5, 0.0]
    """
    inner = min(1.0, (share - phase.start) / (phase.stop - phase.start))
    if inner < training.warmup:
        return training.learning_rate * max(inner, 1e-3) / training.warmup
    rest = (inner - training.warmup) / (1 - training.warmup)
    return training.learning_rate * 0.5 * (1 + math.cos(math.pi * rest))
