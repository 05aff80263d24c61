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
    (N, latent_dim, H / downsampling, W / downsampling). It may have `begin(images, quantize)`,
    which is called once with images of the training set before the first step; `quantize` takes
    latents to what the decoder will be given, and is None where a codebook is yet to come.

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
        width: int = 64,
        blocks: int = 2,
        encoder: Literal["conv", "linear"] = "conv",
    ) -> ConvAutoencoder:
        """Make the module; see `ConvAutoencoder` for what the options do."""
        from ._network import ConvAutoencoder

        return ConvAutoencoder(bands, latent_dim, downsampling, width, blocks, encoder)


conv_autoencoder = AutoencoderFactory()
