"""Vectors of image sets and of their single images, with one forward pass for each image."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..data._images import ImageTransform, image_list, load_image
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
) -> SetVectors:
    """Give the vectors of sets of images (see `load_image`), which are opened as needed."""
    device = next(model.parameters()).device
    transform = transform or ImageTransform.of(model.backbone)
    vectors: list[Tensor] = []
    alone: list[Tensor] = []

    def opened(image: Any) -> Tensor:
        return torch.as_tensor(transform(load_image(image)))

    lists = [image_list(one, f"set {number}") for number, one in enumerate(sets)]
    with evaluating(model), ThreadPoolExecutor(_THREADS) as pool:
        for part in _parts(lists):
            images = [image for one in part for image in one]
            tokens = model.tokens(torch.stack(list(pool.map(opened, images))).to(device))
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


def _parts(sets: Sequence[list[Any]]) -> Iterator[list[list[Any]]]:
    """Give runs of sets with at most `IMAGES` images, or one set."""
    part: list[list[Any]] = []
    total = 0
    for one in sets:
        if part and total + len(one) > IMAGES:
            yield part
            part, total = [], 0
        part.append(one)
        total += len(one)
    if part:
        yield part
