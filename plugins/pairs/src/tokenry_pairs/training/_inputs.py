"""What a step is given: tokens from the cache, or pixels that the backbone has yet to see."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from tokenry_core import Array, canonical_json
from tokenry_dino import weights_digest

from ..model import PairMatchingModel
from ._cache import TokenCache
from ._draw import Draw, padded
from ._images import Images
from ._precision import autocast
from ._step import StepInput

__all__ = ["CachedInputs", "Inputs", "LiveInputs", "tokens_folder"]

Augment = Callable[[Tensor, torch.Generator], Tensor]
_BATCH = 32  # images that go through the backbone at a time
_CHUNK = 64 << 20  # bytes of tokens that are written at a time


class Inputs(Protocol):
    """Makes the input of a step, and the tokens of single images."""

    def __call__(self, draw: Draw, seed: int) -> StepInput:
        """Give the input of a draw; the seed is for what is random in it."""
        ...

    def tokens(self, rows: Array) -> Tensor:
        """Give the tokens (n, tokens, dim) of n images as they are, nothing random in them."""
        ...


class LiveInputs:
    """Pixels of the different images of a step, each once, augmented where that is asked for."""

    def __init__(
        self,
        model: PairMatchingModel,
        images: Images,
        device: str,
        augment: Augment | None = None,
    ) -> None:
        self.model, self.images, self.device, self.augment = model, images, device, augment

    def __call__(self, draw: Draw, seed: int) -> StepInput:
        """Give the images of a draw."""
        rows, mask = padded(draw.sets)
        different, index = np.unique(rows, return_inverse=True)
        pixels = self.images.pixels(different).to(self.device)
        if self.augment is not None:
            generator = torch.Generator(self.device).manual_seed(seed)
            pixels = self.augment(pixels, generator)
        places = torch.from_numpy(index.reshape(rows.shape)).to(self.device)
        return _given(draw, mask, self.device)._replace(pixels=pixels, where=places)

    def tokens(self, rows: Array) -> Tensor:
        """Run the backbone."""
        return self.model.tokens(self.images.pixels(rows).to(self.device))


class CachedInputs:
    """Tokens of a frozen backbone, computed once for each different image.

    `folder` keeps them for later trainings; without it they stay in memory.
    """

    def __init__(
        self,
        model: PairMatchingModel,
        images: Images,
        device: str,
        precision: str,
        folder: Path | None,
    ) -> None:
        self.model, self.images, self.device = model, images, device
        self.precision = precision
        self.cache = TokenCache(folder)
        self.computed = self._fill()
        self.places = self.cache.places(images.digests)

    def __call__(self, draw: Draw, seed: int) -> StepInput:
        """Give the tokens of a draw's images."""
        rows, mask = padded(draw.sets)
        tokens = self.cache.gather(self.places[rows]).to(self.device)
        return _given(draw, mask, self.device)._replace(tokens=tokens)

    def tokens(self, rows: Array) -> Tensor:
        """Look them up."""
        return self.cache.gather(self.places[rows]).to(self.device)

    @torch.no_grad()
    def _fill(self) -> int:
        """Compute what is missing, and say of how many images."""
        first = {digest: row for row, digest in reversed(list(enumerate(self.images.digests)))}
        missing = self.cache.missing(self.images.digests)
        done: list[Tensor] = []
        waiting: list[bytes] = []
        was_training = self.model.training
        self.model.eval()
        for start in range(0, len(missing), _BATCH):
            part = missing[start : start + _BATCH]
            pixels = self.images.pixels(np.array([first[digest] for digest in part]), keep=False)
            with autocast(self.device, self.precision):
                tokens = self.model.tokens(pixels.to(self.device))
            done.append(tokens.float().cpu())
            waiting += part
            size = sum(one.numel() * one.element_size() for one in done)
            if size >= _CHUNK or start + _BATCH >= len(missing):
                self.cache.add(waiting, torch.cat(done).numpy())
                done, waiting = [], []
        self.model.train(was_training)
        return len(missing)


def tokens_folder(folder: Path, model: PairMatchingModel, precision: str, view: str) -> Path:
    """Give the folder of the tokens of one backbone and one way of preparing images.

    Its name is a digest of the weights, the model's name and options (which layer, say), the
    precision, and `view`.
    """
    name = hashlib.sha256(weights_digest(model.backbone.model).tobytes())
    options = {k: model.arguments[k] for k in ("backbone_name", "backbone_options")}
    name.update(f"{canonical_json(options)} {precision} {view}".encode())
    return folder / name.hexdigest()[:32]


def _given(draw: Draw, mask: np.ndarray, device: str) -> StepInput:
    arrays = (mask, draw.left, draw.right, draw.same.astype(np.float32), draw.labels)
    return StepInput(*(torch.from_numpy(np.ascontiguousarray(one)).to(device) for one in arrays))
