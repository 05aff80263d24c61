"""Random parts, flips, quarter turns and brightness."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["brightened", "cropped", "turned"]


def turned(images: Tensor, mask: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Bring every image, and its mask alike, to one of the eight orientations of a square."""
    picks = torch.rand(3, len(images), generator=generator) < 0.5
    for pick, change in zip(picks.to(images.device), _CHANGES, strict=True):
        chosen = pick[:, None, None, None]
        images = torch.where(chosen, change(images), images)
        mask = torch.where(chosen, change(mask), mask)
    return images, mask


def cropped(
    images: Tensor, mask: Tensor, size: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Give a random part of `size` pixels on a side of every image, and of its mask alike."""
    corners = torch.randint(images.shape[-1] - size + 1, (len(images), 2), generator=generator)
    parts = [
        (row, slice(None), slice(y, y + size), slice(x, x + size))
        for row, (y, x) in enumerate(corners.tolist())
    ]
    return torch.stack([images[p] for p in parts]), torch.stack([mask[p] for p in parts])


def brightened(raw: Tensor, jitter: float, generator: torch.Generator) -> Tensor:
    """Change the brightness of every band of every image by up to a share."""
    gains = 1 + jitter * (2 * torch.rand(raw.shape[:2], generator=generator) - 1)
    return raw * gains.to(raw.device)[:, :, None, None]


def _transposed(x: Tensor) -> Tensor:
    return x.transpose(-1, -2)


def _mirrored(x: Tensor) -> Tensor:
    return x.flip(-1)


def _upended(x: Tensor) -> Tensor:
    return x.flip(-2)


_CHANGES = (_transposed, _mirrored, _upended)
