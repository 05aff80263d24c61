"""The built-in autoencoder: a linear path from principal components, and a residual around it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from tokenry_core.errors import ConfigError

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

    Each way is the sum of a linear map of every square alone, which starts as the principal
    components of the training images, and a residual network of `width` channels and `blocks`
    blocks that sees the neighbours as well and starts at zero: training begins at the quality of
    the components. `encoder="linear"` leaves the residual network of the encoder out.
    """

    def __init__(
        self,
        bands: int,
        latent_dim: int,
        downsampling: int,
        width: int,
        blocks: int,
        encoder: Literal["conv", "linear"] = "conv",
    ) -> None:
        super().__init__()
        if min(bands, latent_dim, downsampling, width) < 1 or blocks < 0:
            raise ConfigError(
                f"bands={bands}, latent_dim={latent_dim}, downsampling={downsampling},"
                f" width={width}: each has to be 1 or more, and blocks={blocks} 0 or more"
            )
        if encoder not in ("conv", "linear"):
            raise ConfigError(f'encoder: {encoder!r} was given; allowed are "conv" and "linear"')
        self.side = downsampling
        self.linear_encoder = nn.Conv2d(bands, latent_dim, downsampling, stride=downsampling)
        self.linear_decoder = nn.ConvTranspose2d(
            latent_dim, bands, downsampling, stride=downsampling
        )
        pixels = bands * downsampling**2
        self.encoder = (
            nn.Sequential(
                nn.PixelUnshuffle(downsampling), *_residual(pixels, latent_dim, width, blocks)
            )
            if encoder == "conv"
            else None
        )
        self.decoder = nn.Sequential(
            *_residual(latent_dim, pixels, width, blocks), nn.PixelShuffle(downsampling)
        )

    def encode(self, images: Tensor) -> Tensor:
        """Give (N, latent_dim, H', W') of (N, bands, H, W)."""
        latents: Tensor = self.linear_encoder(images)
        return latents if self.encoder is None else latents + self.encoder(images)

    def decode(self, latents: Tensor) -> Tensor:
        """Give (N, bands, H, W) of (N, latent_dim, H', W')."""
        images: Tensor = self.linear_decoder(latents) + self.decoder(latents)
        return images

    def forward(self, images: Tensor) -> Tensor:
        """Reconstruct the images, without quantisation."""
        return self.decode(self.encode(images))

    @torch.no_grad()
    def begin(self, images: Tensor, quantize: Callable[[Tensor], Tensor] | None) -> None:
        """Set the linear maps to the principal components of the squares of these images.

        For a quantiser with a codebook to come, one factor for all keeps distances between latents
        those between squares. For a fixed grid every latent dimension varies by one, and the
        decoder's map is the best one (least squares) for what `quantize` makes of the latents.
        """
        squares = nn.functional.pixel_unshuffle(images, self.side)
        squares = squares.movedim(1, -1).reshape(-1, squares.shape[1]).double()
        mean = images.double().mean((0, 2, 3))
        centred = squares - mean.repeat_interleave(self.side**2)
        values, vectors = torch.linalg.eigh(centred.T @ centred / max(1, len(centred)))
        weight = self.linear_encoder.weight
        kept = min(weight.shape[0], len(values))
        # The sign of an eigenvector is arbitrary: the largest entry is made positive.
        axes = vectors.flip(1)[:, :kept].T
        axes = axes * axes.gather(1, axes.abs().argmax(1, keepdim=True)).sign()
        spread = values.flip(0)[:kept].clamp_min(1e-12).sqrt()
        if quantize is None:
            spread = spread.square().mean().sqrt().expand(kept)
        shape = (kept, *weight.shape[1:])
        weight[:kept] = (axes / spread[:, None]).reshape(shape).to(weight.dtype)
        self.linear_decoder.weight[:kept] = (axes * spread[:, None]).reshape(shape).to(weight.dtype)
        bands = weight.flatten(2).sum(2).double()
        self.linear_encoder.bias.copy_(-(bands @ mean))  # type: ignore[union-attr]
        self.linear_decoder.bias.copy_(mean)  # type: ignore[union-attr]
        if quantize is not None:
            latents = quantize(self.linear_encoder(images)).movedim(1, 0).flatten(1).double()
            centre = latents.mean(1, keepdim=True)
            target = centred - centred.mean(0)
            best = torch.linalg.lstsq((latents - centre).T, target).solution
            self.linear_decoder.weight.copy_(best.reshape(weight.shape).to(weight.dtype))
            shift = mean - (centre.T @ best).reshape(len(mean), -1).mean(1)
            self.linear_decoder.bias.copy_(shift)  # type: ignore[union-attr]


def _residual(inputs: int, outputs: int, width: int, blocks: int) -> list[nn.Module]:
    last = nn.Conv2d(width, outputs, 3, padding=1)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)  # type: ignore[arg-type]
    norm = nn.GroupNorm(math.gcd(8, width), width)
    first = nn.Conv2d(inputs, width, 3, padding=1)
    return [first, *(Block(width) for _ in range(blocks)), norm, nn.SiLU(), last]
