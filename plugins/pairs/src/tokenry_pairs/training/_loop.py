"""The training loop: from images and a plan to trained weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tokenry_core import Array, Session
from tokenry_core.checkpoints import restore_optimizer
from tokenry_core.errors import NotTrained

from ..model import PairMatchingModel
from ._devices import Devices
from ._draw import Draw
from ._images import Images
from ._inputs import Augment, CachedInputs, Inputs, LiveInputs
from ._loss import PairMatchingLoss, balanced_weights
from ._mining import LabelBank
from ._pairs import PairSampler
from ._plan import Stage, TrainingPlan, learning_rate
from ._precision import autocast
from ._progress import Progress, load_progress, save_progress, weights_of
from ._sets import SetSampler
from ._step import PairStep
from ._validation import Scores, score_draws

__all__ = ["Loop", "Place"]

_TELL_EVERY = 20
_HARD, _INPUT = 1, 2  # what a step's random numbers are for


@dataclass(frozen=True)
class Place:
    """Where a training keeps its things: a checkpoint, and the tokens of a frozen backbone.

    Without `cached`, a frozen backbone runs in every step; without `tokens`, its tokens are kept
    in memory.
    """

    checkpoint: Path | None = None
    tokens: Path | None = None
    cached: bool = True


class Loop:
    """One training. Every random choice depends on the seed and the position alone."""

    def __init__(
        self,
        model: PairMatchingModel,
        images: Images,
        validation: Images | None,
        plan: TrainingPlan,
        session: Session,
        place: Place,
        devices: Devices,
        augment: Augment | None = None,
    ) -> None:
        self.model, self.images, self.validation = model, images, validation
        self.plan, self.session, self.place, self.augment = plan, session, place, augment
        self.devices, self.device, seed = devices, devices.device, session.seed
        self.stages = plan.all_stages(model.backbone.frozen)
        self.moves = not all(stage.freeze_backbone for stage in self.stages)
        self.pairs = PairSampler(images.groups, plan, seed)
        self.sets = SetSampler(
            images.groups, sets=2 * plan.batch_size, size=plan.set_size, seed=seed
        )
        if validation is not None:
            self.checks = PairSampler(validation.groups, plan, seed + 1)
        self.loss = PairMatchingLoss()
        self.model.to(self.device)
        dim = model.pooling.project.out_features
        self.bank = LabelBank(len(self.sets.rows), dim, self.device)
        self.at = Progress()
        self.best: dict[str, Tensor] = {}
        self.scores: Scores | None = None

    def run(self) -> None:
        """Train to the end of the last stage, or until validation gets no better."""
        moments = self._resume()
        while self.at.stage < len(self.stages):
            self._enter(self.stages[self.at.stage])
            restore_optimizer(self.optimizer, moments)
            moments = {}
            self._run_stage(self.stages[self.at.stage])
        if self.validation is not None:
            self._enter(self.stages[-1])
            self.scores = self._scores()

    def result(self) -> dict[str, Any]:
        """What a finished training gives, beside the weights."""
        final = {"loss": self.at.history[-1]["loss"]}
        if self.scores is not None:
            final |= self.scores.metrics
        return {
            "history": self.at.history,
            "final_metrics": final,
            "validation": self.scores,
            "validation_images": self.validation,
            "steps": self.at.total,
            "checkpoint": self.place.checkpoint,
        }

    def _run_stage(self, stage: Stage) -> None:
        here, steps = self.at.stage, self.plan.steps_per_epoch // self.devices.world or 1
        while self.at.stage == here:
            self.model.train()
            while self.at.step < steps:
                self._one_step(stage, steps)
                if self.session.stop():
                    self._save()
                    raise NotTrained(self._stopped())
            self._end_epoch(stage, steps)
            self._save()

    def _one_step(self, stage: Stage, steps: int) -> None:
        at = self.at
        rate = learning_rate(
            stage.lr or self.plan.lr,
            at.epoch * steps + at.step,
            stage.num_epochs * steps,
            self.plan.warmup,
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        seed = int(self._random(_INPUT).integers(2**62))
        torch.manual_seed(seed)  # for dropout
        hard = self._is_hard()
        draw = self._draw(hard)
        given = self.inputs(draw, seed)
        with autocast(self.device, self.plan.amp):
            found = self.step(given, hard and self.plan.batch_pairs == "random")
        loss = self._loss_of(found.logits, given.same)
        self.optimizer.zero_grad(set_to_none=True)
        self.devices.backward(loss)
        torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
        self.optimizer.step()
        self.bank.keep(draw.labels, found.vectors)
        at.step, at.total, at.loss = at.step + 1, at.total + 1, at.loss + float(loss.detach())
        if at.total % _TELL_EVERY == 0:
            self._tell(float(loss.detach()), rate)
        if at.total % self.plan.checkpoint_every == 0:
            self._save()

    def _loss_of(self, logits: Tensor, same: Tensor) -> Tensor:
        ratio = self.plan.positive_ratio
        weights = balanced_weights(same, ratio) if self.plan.batch_pairs == "all" else None
        loss: Tensor = self.loss(logits, same, weights)
        return loss

    def _draw(self, hard: bool) -> Draw:
        step = self.at.step * self.devices.world + self.devices.rank
        if self.plan.batch_pairs == "random":
            return self.pairs.draw(self._epoch, step)
        return self.sets.draw(self._epoch, step, self._neighbours if hard else None)

    def _neighbours(self, labels: Array, count: int) -> Array:
        return self.bank.neighbours(self.model.score_all, labels, count)

    def _enter(self, stage: Stage) -> None:
        """Freeze or free the backbone, and make what the stage works with."""
        self.model.backbone.freeze(stage.freeze_backbone)
        self.trained = [p for p in self.model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(self.trained, lr=1.0, weight_decay=self.plan.weight_decay)
        self.step, self.optimizer = self.devices.prepare(PairStep(self.model), optimizer)
        self.inputs = self._inputs(stage, self.images, self.augment)
        if self.validation is not None:
            self.validation_inputs = self._inputs(stage, self.validation, None)

    def _inputs(self, stage: Stage, images: Images, augment: Augment | None) -> Inputs:
        if augment is None and stage.freeze_backbone and self.place.cached:
            precision = self.plan.amp
            inputs = CachedInputs(self.model, images, self.device, precision, self.place.tokens)
            self.session.event("tokens", {"computed": inputs.computed, "images": len(images)})
            return inputs
        return LiveInputs(self.model, images, self.device, augment)

    def _end_epoch(self, stage: Stage, steps: int) -> None:
        at = self.at
        entry: dict[str, Any] = {"epoch": self._epoch, "stage": at.stage, "loss": at.loss / steps}
        at.epoch, at.step, at.loss = at.epoch + 1, 0, 0.0
        enough = False
        if self.validation is not None:
            scores = self._scores()
            entry |= scores.metrics
            enough = self._no_better([entry["auc_roc"], -scores.loss])
        at.history.append(entry)
        self.session.event("epoch", entry)
        if enough or at.epoch == stage.num_epochs:
            self._take_best()
            at.stage, at.epoch, at.waited = at.stage + 1, 0, 0

    def _scores(self) -> Scores:
        assert self.validation is not None
        draws = self.checks.draws(self.plan.validation_pairs)
        return score_draws(self.model, draws, self.validation_inputs, self.device, self.plan.amp)

    def _no_better(self, score: list[float]) -> bool:
        """Keep the weights that validate best; say whether patience has ended."""
        at = self.at
        if at.best is None or score > at.best:
            at.best, at.waited = score, 0
            self.best = weights_of(self.model, self.moves)
            return False
        at.waited += 1
        return self.plan.patience is not None and at.waited >= self.plan.patience

    def _take_best(self) -> None:
        if self.best:
            self.model.load_state_dict(self.best, strict=False)

    def _resume(self) -> dict[str, Tensor]:
        """Take a checkpoint in use, where there is one, and give the optimizer's moments."""
        found = None
        if self.place.checkpoint is not None:
            found = load_progress(self.place.checkpoint, self.model, self.bank)
        if found is None:
            return {}
        self.at, saved = found
        self.best = {name: tensor.to(self.device) for name, tensor in saved.best.items()}
        begins = self.at.epoch == self.at.step == 0  # moments are those of the stage before
        return {} if begins else saved.optimizer

    def _save(self) -> None:
        if self.place.checkpoint is None or self.devices.rank:
            return
        model = weights_of(self.model, self.moves)
        path = self.place.checkpoint
        save_progress(path, self.at, model, self.optimizer, self.best, self.bank)
        self.session.event("checkpoint", {"step": self.at.total, "path": str(path)})

    def _tell(self, loss: float, rate: float) -> None:
        epochs = sum(stage.num_epochs for stage in self.stages)
        done = self.at.total * self.devices.world / (epochs * self.plan.steps_per_epoch)
        values = {"step": self.at.total, "progress": done, "loss": loss, "lr": rate}
        self.session.event("step", {**values, "epoch": self._epoch})

    def _stopped(self) -> str:
        path = self.place.checkpoint
        where = f"its checkpoint is {path}: train again to go on" if path else "nothing is kept"
        return f"training was stopped after step {self.at.total}; {where}"

    @property
    def _epoch(self) -> int:
        """The number of this epoch, over all stages."""
        return len(self.at.history)

    def _is_hard(self) -> bool:
        share = self.plan.hard_negatives
        return bool(share and self._random(_HARD).random() < share)

    def _random(self, purpose: int) -> np.random.Generator:
        return np.random.default_rng([self.session.seed, self.at.total, purpose])
