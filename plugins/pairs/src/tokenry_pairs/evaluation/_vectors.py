"""Vectors of image sets and of their single images, with one forward pass for each image."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor

from tokenry_core.errors import DataError

from ..data._images import ImageTransform, load_image
from ..model import PairMatchingModel, pad_sets

__all__ = ["SetVectors", "evaluating", "set_vectors"]

IMAGES = 64  # that go through the backbone together
_THREADS = 4


class SetVectors(NamedTuple):
    """Vectors (sets, E), and of each set those of its images alone, (images, E) each."""

    sets: Tensor
    images: list[Tensor]


@torch.no_grad()
def set_vectors(
    model: PairMatchingModel,
    sets: Sequence[Sequence[Any]],
    *,
    transform: Callable[[Any], Any] | None = None,
    load: Callable[[Any], Any] = load_image,
) -> SetVectors:
    """Give the vectors of sets of images; images are opened as they are needed."""
    device = next(model.parameters()).device
    transform = transform or ImageTransform.of(model.backbone)
    vectors: list[Tensor] = []
    alone: list[Tensor] = []

    def open_image(image: Any) -> Tensor:
        return torch.as_tensor(transform(load(image)))

    with evaluating(model), ThreadPoolExecutor(_THREADS) as pool:
        for part in _parts(sets):
            images = [image for one in part for image in one]
            tokens = model.tokens(torch.stack(list(pool.map(open_image, images))).to(device))
            sizes = [len(one) for one in part]
            vectors.append(model.embed_tokens(*pad_sets(torch.split(tokens, sizes))).cpu())
            alone += torch.split(model.embed_tokens(tokens[:, None]).cpu(), sizes)
    if not vectors:
        return SetVectors(torch.zeros(0, model.head.input_dim), [])
    return SetVectors(torch.cat(vectors), alone)


@contextmanager
def evaluating(model: PairMatchingModel) -> Iterator[None]:
    """Put the model into evaluation mode, and back as it was."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


def _parts(sets: Sequence[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    """Give runs of sets with at most `IMAGES` images, or one set."""
    part: list[Sequence[Any]] = []
    total = 0
    for number, one in enumerate(sets):
        if not len(one):
            raise DataError(f"set {number} has no image; a set has at least one")
        if part and total + len(one) > IMAGES:
            yield part
            part, total = [], 0
        part.append(one)
        total += len(one)
    if part:
        yield part
