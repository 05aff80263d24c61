"""How far a training is, what it has found so far, and the file that keeps both."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tokenry_core.checkpoints import optimizer_tensors, read_checkpoint, write_checkpoint

from ..model import PairMatchingModel
from ._mining import LabelBank

__all__ = ["Progress", "Saved", "load_progress", "save_progress", "weights_of"]


@dataclass
class Progress:
    """The position (stage, epoch in it, step in that, all steps), and what was found so far."""

    stage: int = 0
    epoch: int = 0
    step: int = 0
    total: int = 0
    loss: float = 0.0  # summed over the epoch's steps
    history: list[dict[str, Any]] = field(default_factory=list)
    best: list[float] | None = None
    waited: int = 0


@dataclass
class Saved:
    """What a checkpoint holds beside the progress."""

    optimizer: dict[str, Tensor]
    best: dict[str, Tensor]


def weights_of(model: PairMatchingModel, backbone: bool) -> dict[str, Tensor]:
    """Give a copy of the weights; without the backbone where it is as it was given."""
    return {
        name: tensor.detach().clone()
        for name, tensor in model.state_dict().items()
        if backbone or not name.startswith("backbone.")
    }


def save_progress(
    path: Path,
    progress: Progress,
    model: dict[str, Tensor],
    optimizer: torch.optim.Optimizer,
    best: dict[str, Tensor],
    bank: LabelBank,
) -> None:
    """Write a checkpoint, whole or not at all."""
    groups = {
        "model": model,
        "optimizer": optimizer_tensors(optimizer),
        "best": best,
        "bank": {"vectors": bank.vectors},
    }
    write_checkpoint(path, groups, asdict(progress))


def load_progress(
    path: Path, model: PairMatchingModel, bank: LabelBank
) -> tuple[Progress, Saved] | None:
    """Take a checkpoint's weights in use, and give the rest; None where there is none."""
    found = read_checkpoint(path)
    if found is None:
        return None
    groups, note = found
    model.load_state_dict(groups["model"], strict=False)
    bank.vectors.copy_(groups["bank"]["vectors"])
    return Progress(**note), Saved(groups.get("optimizer", {}), groups.get("best", {}))
