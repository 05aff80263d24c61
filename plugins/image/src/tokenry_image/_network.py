"""The built-in autoencoder: a base that is fitted to squares, and residual networks around it."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from tokenry_core.errors import ConfigError

from ._bases import Components, WordGrid

__all__ = ["ConvAutoencoder"]


class Block(nn.Module):
    """Two convolutions around which the input passes unchanged."""

    def __init__(self, width: int) -> None:
        super().__init__()
        groups = math.gcd(8, width)
        self.body = nn.Sequential(
            nn.GroupNorm(groups, width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.GroupNorm(groups, width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Add what the convolutions find."""
        out: Tensor = x + self.body(x)
        return out


class ConvAutoencoder(nn.Module):
    """Encodes squares of `downsampling` pixels into `latent_dim` numbers, and back.

    Each way begins with a base, which looks at every square alone and is fitted to the training
    images: principal components, or, for the fixed grid of `levels`, a word for each of its
    points. The decoder adds a residual network of `width` channels and `blocks` blocks, which sees
    the neighbours as well and starts at zero: training begins at the quality of the base. So does
    the encoder with `encoder="conv"`; else it is finished, or `fitted`, when training begins.
    """

    def __init__(
        self,
        bands: int,
        latent_dim: int,
        downsampling: int,
        levels: tuple[int, ...],
        width: int,
        blocks: int,
        encoder: Literal["base", "conv"] = "base",
    ) -> None:
        super().__init__()
        if min(bands, latent_dim, downsampling, width) < 1 or blocks < 0:
            raise ConfigError(
                f"bands={bands}, latent_dim={latent_dim}, downsampling={downsampling},"
                f" width={width}: each has to be 1 or more, and blocks={blocks} 0 or more"
            )
        if encoder not in ("base", "conv"):
            raise ConfigError(f'encoder: {encoder!r} was given; allowed are "base" and "conv"')
        if levels and encoder == "conv":
            raise ConfigError('encoder: with a fixed grid only "base" is allowed; "conv" was given')
        self.base: Components | WordGrid = (
            WordGrid(bands, levels, downsampling)
            if levels
            else Components(bands, latent_dim, downsampling)
        )
        pixels = bands * downsampling**2
        self.fitted = encoder == "base"
        self.encoder = (
            nn.Sequential(
                nn.PixelUnshuffle(downsampling), *_residual(pixels, latent_dim, width, blocks)
            )
            if encoder == "conv"
            else None
        )
        self.decoder = nn.Sequential(
            *_residual(pixels if levels else latent_dim, pixels, width, blocks),
            nn.PixelShuffle(downsampling),
        )

    def encode(self, images: Tensor) -> Tensor:
        """Give (N, latent_dim, H', W') of (N, bands, H, W)."""
        with torch.autocast(images.device.type, enabled=False):
            latents = self.base.encode(images.float())
        return latents if self.encoder is None else latents + self.encoder(images)

    def decode(self, latents: Tensor) -> Tensor:
        """Give (N, bands, H, W) of (N, latent_dim, H', W')."""
        with torch.autocast(latents.device.type, enabled=False):
            images, context = self.base.decode(latents.float())
        found: Tensor = images + self.decoder(context)
        return found

    def forward(self, images: Tensor) -> Tensor:
        """Reconstruct the images, without quantisation."""
        return self.decode(self.encode(images))

    def begin(self, images: Tensor) -> None:
        """Fit the base to these images."""
        self.base.begin(images)


def _residual(inputs: int, outputs: int, width: int, blocks: int) -> list[nn.Module]:
    last = nn.Conv2d(width, outputs, 3, padding=1)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)  # type: ignore[arg-type]
    norm = nn.GroupNorm(math.gcd(8, width), width)
    first = nn.Conv2d(inputs, width, 3, padding=1)
    return [first, *(Block(width) for _ in range(blocks)), norm, nn.SiLU(), last]
