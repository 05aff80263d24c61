"""The training loop: from a source and a configuration to a trained codec."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tokenry_core import DataSource, Session, canonical_json, describe_training, fingerprint
from tokenry_core.checkpoints import (
    optimizer_tensors,
    read_checkpoint,
    restore_optimizer,
    write_checkpoint,
)
from tokenry_core.errors import NotTrained

from ._augment import brightened, cropped, turned
from ._beginning import set_scale
from ._codec import Codec
from ._config import ImageConfig
from ._quality import Quality, evaluate, masked_error, tensors
from ._ranks import Ranks
from ._report import write_training_page
from ._rows import BEGIN, Place, TrainingRows
from ._schedule import Budget, Phase, learning_rate, phases
from ._surroundings import precision, surroundings

__all__ = ["Loop", "fit_codec"]

_TELL_EVERY = 20
Weights = Mapping[str, Tensor]


def fit_codec(
    config: ImageConfig, source: DataSource, session: Session, weights: Weights | None = None
) -> Codec:
    """Train a codec; goes on from a checkpoint of the same training in the work directory.

    `weights` are a network to begin with; its scaling is then left as it is.
    """
    with surroundings(session):
        loop = Loop(config, source, session, weights)
        loop.run()
        return loop.codec.cpu().eval()


class Loop:
    """One training. Every random choice depends on the seed and the step alone."""

    def __init__(
        self, config: ImageConfig, source: DataSource, session: Session, weights: Weights | None
    ) -> None:
        self.config, self.session, self.ranks = config, session, Ranks(session.device)
        self.device = self.ranks.device
        self.weights = weights
        self.rows = TrainingRows(source, config, session.seed)
        self.survey = self.rows.survey()
        self.codec = Codec(config).on(self.device)
        fitted = weights is None and getattr(self.codec.network, "fitted", False)
        self.phases = phases(config, fitted)
        self.path = _checkpoint_path(config, self.rows, session, weights)
        self.step, self.phase, self.place = 0, -1, Place()
        self.budget = Budget(config.training)
        self.history: list[dict[str, Any]] = []
        self.best: tuple[float, dict[str, Tensor]] | None = None
        self.waited, self.done = 0, False
        self.optimizer = self._fresh_optimizer()

    def run(self) -> None:
        """Train to the end of the budget, or until validation gets no better."""
        if not self._resume():
            self._begin()
            self.ranks.same(self.codec)
        batches = self.rows.batches(self.place)
        training = self.config.training
        while not self.done and (share := self._share()) < 1:
            self._enter_phase(share)
            phase = self.phases[self.phase]
            place, stack = next(batches)
            loss = self._one_step(phase, share, tensors(self.ranks.part(stack), self.device))
            self.place, self.step = place, self.step + 1
            if self.step % _TELL_EVERY == 0:
                self._tell(phase, share, loss)
            if self.step % training.evaluate_every == 0 and self._enough(phase):
                self.done = True
            if self.step % training.checkpoint_every == 0:
                self._save()
            if self.ranks.agree(self.session.stop())[0]:
                self._save()
                raise NotTrained(self._stopped())
        self._finish()

    def _share(self) -> float:
        return self.ranks.agree(self.budget.share(self.step))[0]

    def _begin(self) -> None:
        if self.weights is not None:
            self.codec.network.load_state_dict(self.weights)
            return
        set_scale(self.codec, self.survey.sample.images[:BEGIN])
        if hasattr(self.codec.network, "begin"):
            images = list(self._sample(self.config.training.codebook_images))
            self.codec.network.begin(torch.cat(images))

    def _one_step(self, phase: Phase, share: float, data: tuple[Tensor, Tensor | None]) -> Tensor:
        key = [self.session.seed, self.step, *([self.ranks.rank] if self.ranks.rank else [])]
        seed = int(np.random.default_rng(key).integers(2**62))
        torch.manual_seed(seed)  # for quantisers that draw numbers of their own
        generator = torch.Generator().manual_seed(seed)
        images, mask = self._cropped(*self._augmented(*data, generator), generator)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.config.training, phase, share)
        resting = torch.no_grad() if phase.name == "codebook" else nullcontext()
        with precision(self.device, self.config.training), resting:
            latents = self.codec.encode(images)
        if phase.name != "autoencoder":  # in float32, or the nearest code would not be found
            latents = self.codec.quantizer(latents.float()).latents
        with precision(self.device, self.config.training):
            found = self.codec.network.decode(latents)
        loss = masked_error(found, images, mask)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.ranks.average(self.codec.parameters())
        torch.nn.utils.clip_grad_norm_(self.codec.parameters(), 1.0)
        self.optimizer.step()
        return loss.detach()

    def _augmented(
        self, raw: Tensor, ellipses: Tensor | None, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        training = self.config.training
        if training.jitter:
            raw = brightened(raw, training.jitter, generator)
        images, mask = self.codec.prepare_images(raw, ellipses)
        return turned(images, mask, generator) if training.augment else (images, mask)

    def _cropped(
        self, images: Tensor, mask: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        step = self.config.downsampling
        size = max(step, (self.config.training.crop or images.shape[-1]) // step * step)
        if size >= images.shape[-1]:
            return images, mask
        return cropped(images, mask, size, generator)

    def _enter_phase(self, share: float) -> None:
        wanted = max(i for i, phase in enumerate(self.phases) if phase.start <= max(share, 0.0))
        if wanted == self.phase:
            return
        self.phase = wanted
        self.optimizer = self._fresh_optimizer()
        if self.phases[wanted].name == "codebook":
            with torch.no_grad():
                images = self._sample(self.config.training.codebook_images)
                latents = torch.cat([self.codec.encode(part) for part in images])
                self.codec.quantizer.begin(latents, self.session.seed)
            self.ranks.same(self.codec.quantizer)
            self._save()  # k-means need not be repeated

    def _sample(self, count: int) -> Iterator[Tensor]:
        """Images of the sample, in the orientations that training sees."""
        size, found = self.config.training.batch_size, self.survey.sample
        generator = torch.Generator().manual_seed(self.session.seed)
        for start in range(0, min(count, len(found.keys)), size):
            part = found.take(np.arange(start, min(start + size, count, len(found.keys))))
            yield self._augmented(*tensors(part, self.device), generator)[0]

    def _enough(self, phase: Phase) -> bool:
        """Validate; say whether training has ended early."""
        quality = self._validate(phase)
        patience = self.config.training.patience
        if patience is None or phase is not self.phases[-1]:
            return False
        if self.best is None or quality.loss < self.best[0]:
            state = {name: t.detach().clone() for name, t in self.codec.state_dict().items()}
            self.best, self.waited = (quality.loss, state), 0
            return False
        self.waited += 1
        return bool(self.ranks.agree(self.waited >= patience)[0])

    def _validate(self, phase: Phase) -> Quality:
        stack = self.survey.validation or self.survey.sample
        quantized = phase.name != "autoencoder"
        size = self.config.training.batch_size
        quality = evaluate(self.codec, stack, self.device, quantized, size)
        self.history.append({"step": self.step, "phase": phase.name, **asdict(quality)})
        self._event("validation", self.history[-1])
        return quality

    def _event(self, name: str, values: dict[str, Any]) -> None:
        if self.ranks.first:
            self.session.event(name, values)

    def _tell(self, phase: Phase, share: float, loss: Tensor) -> None:
        rate = self.step * self.config.training.batch_size / max(self.budget.seconds, 1e-9)
        values = {"step": self.step, "progress": share, "phase": phase.name, "loss": float(loss)}
        self._event("step", {**values, "images_per_second": rate})

    def _finish(self) -> None:
        if not self.history or self.history[-1]["step"] != self.step:
            self._enough(self.phases[-1])
        if self.best is not None:
            self.codec.load_state_dict(self.best[1])
        self.done = True
        self._save()
        if self.session.workdir is not None and self.ranks.first:
            images = self.survey.validation or self.survey.sample
            page = write_training_page(
                self.session.workdir, self.codec, images, self.history, self.device
            )
            self.session.event("report", {"path": str(page)})

    def _fresh_optimizer(self) -> torch.optim.AdamW:
        training = self.config.training
        return torch.optim.AdamW(
            self.codec.parameters(),
            lr=training.learning_rate,
            betas=(0.9, 0.99),
            weight_decay=training.weight_decay,
        )

    def _save(self) -> None:
        if self.path is None or not self.ranks.first:
            return
        groups = {"codec": self.codec.state_dict(), "optimizer": optimizer_tensors(self.optimizer)}
        if self.best is not None:
            groups["best"] = self.best[1]
        note = {
            "step": self.step,
            "phase": self.phase,
            "place": list(self.place),
            "seconds": self.budget.seconds,
            "history": self.history,
            "best": None if self.best is None else self.best[0],
            "waited": self.waited,
            "done": self.done,
        }
        write_checkpoint(self.path, groups, note)
        self.session.event("checkpoint", {"step": self.step, "path": str(self.path)})

    def _resume(self) -> bool:
        found = None if self.path is None else read_checkpoint(self.path)
        if found is None:
            return False
        groups, note = found
        self.codec.load_state_dict(groups["codec"])
        self.step, self.phase, self.place = note["step"], note["phase"], Place(*note["place"])
        self.optimizer = self._fresh_optimizer()
        restore_optimizer(self.optimizer, groups.get("optimizer", {}))
        self.budget = Budget(self.config.training, note["seconds"])
        self.history, self.waited = note["history"], note["waited"]
        self.done = note["done"]
        if note["best"] is not None:
            best = {name: tensor.to(self.device) for name, tensor in groups["best"].items()}
            self.best = (note["best"], best)
        return True

    def _stopped(self) -> str:
        where = (
            f"its checkpoint is {self.path}: train again to go on"
            if self.path
            else ("without a work directory nothing of it is kept")
        )
        return f"training was stopped after step {self.step}; {where}"


def _checkpoint_path(
    config: ImageConfig, rows: TrainingRows, session: Session, weights: Weights | None
) -> Path | None:
    """Name the checkpoint after all that decides the result, so that no other is taken for it."""
    if session.workdir is None:
        return None
    data = describe_training(rows.fragments, 0).digest
    text = f"{canonical_json(config)} {session.seed} {data}"
    if weights is not None:
        arrays = {name: tensor.numpy() for name, tensor in weights.items()}
        text += fingerprint("weights", 1, {}, arrays)
    return (
        session.workdir / f"checkpoint-{hashlib.sha256(text.encode()).hexdigest()[:16]}.safetensors"
    )
