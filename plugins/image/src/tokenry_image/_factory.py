"""The built-in autoencoder as the registry offers it, without importing torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ._network import ConvAutoencoder

__all__ = ["AutoencoderFactory", "conv_autoencoder"]


@dataclass(frozen=True)
class AutoencoderFactory:
    """Makes a `ConvAutoencoder`.

    An autoencoder is a `torch.nn.Module` with `encode(images) -> latents` and
    `decode(latents) -> images`, where images are (N, bands, H, W) and latents are
    (N, latent_dim, H / downsampling, W / downsampling). `levels` are those of the fixed grid of
    `fsq` in each latent dimension, and empty where a codebook is learned. It may have
    `begin(images)`, which is called once with images of the training set before the first step,
    and `fitted`, which is true where its encoder is finished then.

    >>> conv_autoencoder.kind
    'autoencoder'
    """

    kind: str = "autoencoder"

    def __call__(
        self,
        *,
        bands: int = 3,
        latent_dim: int = 2,
        downsampling: int = 4,
        levels: tuple[int, ...] = (),
        width: int = 64,
        blocks: int = 2,
        encoder: Literal["base", "conv"] = "base",
    ) -> ConvAutoencoder:
        """Make the module; see `ConvAutoencoder` for what the options do."""
        from ._network import ConvAutoencoder

        return ConvAutoencoder(bands, latent_dim, downsampling, levels, width, blocks, encoder)


conv_autoencoder = AutoencoderFactory()
