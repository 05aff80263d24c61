"""How good reconstructions are, and how well the codebook is used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tokenry_core import Array

from ._codec import Codec
from ._rows import Stack

__all__ = ["Quality", "code_use", "evaluate", "masked_error", "psnr"]


@dataclass(frozen=True)
class Quality:
    """Figures of a validation; PSNR is of each band, in decibels, in stretched units."""

    loss: float
    psnr: tuple[float, ...]
    used: int
    perplexity: float


def masked_error(found: Tensor, wanted: Tensor, mask: Tensor) -> Tensor:
    """Mean squared error over the pixels that count."""
    error = (found.float() - wanted).square().masked_fill(~mask, 0.0)
    return error.sum() / mask.sum().clamp_min(1)


def psnr(error: Array, span: Array) -> Array:
    """Give 10 log10(span^2 / error): of mean squared errors and the ranges of the values."""
    with np.errstate(divide="ignore"):
        return np.asarray(10 * np.log10(span**2 / np.maximum(error, 1e-30)))


def code_use(counts: Array) -> tuple[int, float]:
    """Give how many codes were used, and their perplexity: the exponential of the entropy.

    >>> code_use(np.array([5, 5, 0, 0]))
    (2, 2.0)
    """
    shares = counts[counts > 0] / max(1, counts.sum())
    return len(shares), round(float(np.exp(-(shares * np.log(shares)).sum())), 9)


@torch.no_grad()
def evaluate(codec: Codec, stack: Stack, device: str, quantized: bool, batch_size: int) -> Quality:
    """Give the figures of these images."""
    codec.eval()
    bands = len(codec.config.bands)
    error, pixels = torch.zeros(bands, dtype=torch.float64), torch.zeros(bands)
    low, high = torch.full((bands,), torch.inf), torch.full((bands,), -torch.inf)
    counts = np.zeros(codec.config.codebook_size, np.int64)
    for start in range(0, len(stack.keys), batch_size):
        part = stack.take(np.arange(start, min(start + batch_size, len(stack.keys))))
        images, mask = codec.prepare_images(*tensors(part, device))
        latents = codec.encode(images)
        if quantized:
            ids = codec.quantizer.ids(latents)
            counts += np.bincount(ids.cpu().numpy().ravel(), minlength=len(counts))
            latents = codec.quantizer.lookup(ids)
        found = codec.network.decode(latents)
        wrong = (found.float() - images).square().masked_fill(~mask, 0.0)
        error += wrong.sum((0, 2, 3)).double().cpu()
        pixels += mask.sum((0, 2, 3)).cpu()
        low = torch.minimum(low, images.amin((0, 2, 3)).cpu())
        high = torch.maximum(high, images.amax((0, 2, 3)).cpu())
    codec.train()
    mean = (error / pixels.clamp_min(1)).numpy()
    loss = float(error.sum() / pixels.sum().clamp_min(1))
    used, perplexity = code_use(counts)
    return Quality(loss, tuple(psnr(mean, (high - low).numpy()).tolist()), used, perplexity)


def tensors(stack: Stack, device: str) -> tuple[Tensor, Tensor | None]:
    """Give images and ellipses on a device."""
    ellipses = None
    if stack.ellipses is not None:
        ellipses = torch.from_numpy(stack.ellipses).float().to(device)
    return torch.from_numpy(stack.images).to(device), ellipses
