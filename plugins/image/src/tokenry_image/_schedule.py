"""How far a training is in its budget, which phase that is, and the learning rate there."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Literal

from ._config import ImageConfig, ImageTraining

__all__ = ["Budget", "Phase", "encoder_rate", "learning_rate", "phases"]

_AUTOENCODER_SHARE = 0.4
_ENCODER_RATE = 0.1  # of the decoder's: at the same rate the encoder changes codes for the worse
_ENCODER_WARMUP = 0.1


@dataclass(frozen=True)
class Phase:
    """A part of a training, from share `start` of its budget to share `stop`.

    The encoder learns from share `encoder` on, and rests before it.
    """

    name: Literal["autoencoder", "quantized"]
    start: float
    stop: float
    encoder: float


def phases(config: ImageConfig, fitted: bool) -> tuple[Phase, ...]:
    """Give the phases of a training; `fitted` says that the network starts from the images.

    A learned codebook is made of the latents of a finished encoder. From then on the decoder
    learns what the codes look like, and then the encoder which of them to choose: one that
    moves before the decoder knows its codes gathers its latents at a few of them.
    """
    training, learned = config.training, config.quantizer != "fsq"
    share = training.autoencoder_share if learned else 0.0
    if share is None:
        share = 0.0 if fitted else _AUTOENCODER_SHARE
    rests = training.encoder_rests if fitted or learned else 0.0
    last = Phase("quantized", share, 1.0, share + (1 - share) * rests)
    return (Phase("autoencoder", 0.0, share, 0.0), last) if share else (last,)


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

    >>> t = ImageTraining(learning_rate=1.0, warmup=0.1)
    >>> whole = Phase("quantized", 0.0, 1.0, encoder=0.0)
    >>> [round(learning_rate(t, whole, share), 3) for share in (0.05, 0.1, 0.55, 1.0)]
    [0.5, 1.0, 0.5, 0.0]
    """
    inner = min(1.0, (share - phase.start) / (phase.stop - phase.start))
    if inner < training.warmup:
        return training.learning_rate * max(inner, 1e-3) / training.warmup
    rest = (inner - training.warmup) / (1 - training.warmup)
    return training.learning_rate * 0.5 * (1 + math.cos(math.pi * rest))


def encoder_rate(training: ImageTraining, phase: Phase, share: float) -> float:
    """Give the encoder's rate: a part of the decoder's, with a warm-up of its own after a rest."""
    rate = learning_rate(training, phase, share)
    if phase.encoder <= phase.start:
        return rate
    warm = (share - phase.encoder) / (phase.stop - phase.start) / _ENCODER_WARMUP
    return rate * _ENCODER_RATE * min(1.0, max(0.0, warm))
