"""Vectors of image sets and of their single images, with one forward pass for each image."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..data._images import ImageTransform, image_list, load_image
from ..model import PairMatchingModel
from ..model._pooling import Shares

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
    """Give the vectors of sets of images (see `load_image`), which are opened as needed.

    However large a set is, a few of its images are held at a time.
    """
    device = next(model.parameters()).device
    transform = transform or ImageTransform.of(model.backbone)

    def opened(image: Any) -> Tensor:
        return torch.as_tensor(transform(load_image(image)))

    lists = [image_list(one, f"set {number}") for number, one in enumerate(sets)]
    if not lists:
        return SetVectors(torch.zeros(0, model.head.input_dim), [])
    sizes, images = [len(one) for one in lists], [image for one in lists for image in one]
    with evaluating(model), ThreadPoolExecutor(_THREADS) as pool:
        parts = []
        for start in range(0, len(images), IMAGES):
            pixels = torch.stack(list(pool.map(opened, images[start : start + IMAGES])))
            parts.append(model.pooling.shares(model.tokens(pixels.to(device))))
        means, logs = (torch.cat(side) for side in zip(*parts, strict=True))
        alone = model.pooling.join(Shares(means[:, None], logs[:, None])).cpu()
        each = zip(torch.split(means, sizes), torch.split(logs, sizes), strict=True)
        joined = [model.pooling.join(Shares(mean[None], log[None])) for mean, log in each]
    return SetVectors(torch.cat(joined).cpu(), list(torch.split(alone, sizes)))


@contextmanager
def evaluating(model: PairMatchingModel) -> Iterator[None]:
    """Put the model into evaluation mode, and back as it was."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)
