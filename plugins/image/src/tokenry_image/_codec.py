"""Codec: scaling, network and quantiser as one module, whose state an artifact holds."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from tokenry_core import Array, Registry
from tokenry_core.errors import ConfigError

from ._config import ImageConfig
from ._kernels import prepare_rows
from ._quantizers import make_quantizer

__all__ = ["Codec", "Prepared"]


class Prepared(NamedTuple):
    """Images as the network sees them, zero where masked; `mask` is True where they count."""

    images: Tensor
    mask: Tensor


class Codec(nn.Module):
    """Everything between pixels and tokens."""

    offset: Tensor
    scale: Tensor

    def __init__(self, config: ImageConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("offset", torch.zeros(len(config.bands)))
        self.register_buffer("scale", torch.ones(len(config.bands)))
        self.network = make_network(config)
        self.quantizer = make_quantizer(config)

    def on(self, device: str) -> Codec:
        """Move to a device, with channels last on a GPU, whose convolutions are faster so."""
        self.to(device)
        if torch.device(device).type == "cuda":
            self.network.to(memory_format=torch.channels_last)
        return self

    def prepare_images(self, raw: Tensor, ellipses: Tensor | None = None) -> Prepared:
        """Scale, stretch, and mask pixels that are not finite or outside of the ellipse.

        The images take the place of `raw`, which is fresh memory wherever it comes from: as much
        again would cost more than the work.
        """
        images, mask = self._scaled(raw)
        if ellipses is not None:
            mask &= inside(ellipses, raw.shape[-1])[:, None]
            images.masked_fill_(~mask, 0.0)
        return Prepared(images, mask)

    def _scaled(self, raw: Tensor) -> Prepared:
        stretched = self.config.stretch == "arcsinh"
        if raw.device.type == "cpu":  # torch's arcsinh is a hundred times slower there
            mask = torch.empty(raw.shape, dtype=torch.bool)
            images, seen = raw.view(*raw.shape[:2], -1).numpy(), mask.flatten(2).numpy()
            offset, scale = self.offset.numpy(), self.scale.numpy()
            prepare_rows(images, offset, scale, stretched, images, seen)
            return Prepared(raw, mask)
        mask = raw.isfinite()
        raw.sub_(self.offset[:, None, None]).div_(self.scale[:, None, None])
        return Prepared((raw.asinh_() if stretched else raw).masked_fill_(~mask, 0.0), mask)

    def restore_images(self, images: Tensor) -> Tensor:
        """Undo scaling and stretch."""
        if self.config.stretch == "arcsinh":
            images = images.sinh()
        return images * self.scale[:, None, None] + self.offset[:, None, None]

    def encode(self, images: Tensor) -> Tensor:
        """Give the latents of prepared images."""
        latents: Tensor = self.network.encode(images)
        return latents

    def decode(self, ids: Tensor) -> Tensor:
        """Give the images, in the units of the data, that tokens stand for."""
        images: Tensor = self.network.decode(self.quantizer.lookup(ids))
        return self.restore_images(images.float())

    def arrays(self) -> dict[str, Array]:
        """Give the state as arrays."""
        return {name: t.detach().cpu().numpy().copy() for name, t in self.state_dict().items()}

    def load_arrays(self, arrays: Mapping[str, Array]) -> None:
        """Take a state of arrays in use."""
        self.load_state_dict({name: torch.tensor(np.asarray(a)) for name, a in arrays.items()})


def make_network(config: ImageConfig) -> Any:
    """Give the registered model, checked to make latents of the promised shape."""
    factory: Any = Registry[Any]("tokenry.models")[config.model]
    if getattr(factory, "kind", None) != "autoencoder":
        raise ConfigError(
            f'model: "{config.model}" is of kind {getattr(factory, "kind", None)!r}; an image'
            ' tokenizer needs one of kind "autoencoder"'
        )
    sizes: dict[str, Any] = {
        "bands": len(config.bands),
        "latent_dim": config.latent_dim,
        "downsampling": config.downsampling,
    }
    if _takes(factory, "levels"):  # few networks need to know of a grid
        sizes["levels"] = config.levels
    try:
        network = factory(**sizes, **config.options)
    except TypeError as error:  # an unknown option, or one that is given already
        raise ConfigError(f'options: the model "{config.model}" refuses them: {error}') from None
    with torch.no_grad():
        images = torch.zeros(1, len(config.bands), config.cutout_size, config.cutout_size)
        latents = network.encode(images)
        decoded = network.decode(latents)
    wanted = (1, config.latent_dim, config.grid, config.grid)
    for what, found, expected in (
        ("latents", latents.shape, wanted),
        ("images", decoded.shape, images.shape),
    ):
        if tuple(found) != tuple(expected):
            raise ConfigError(
                f'model: "{config.model}" makes {what} of shape {tuple(found)}; with these options'
                f" {tuple(expected)} is expected: correct latent_dim or downsampling"
            )
    return network


def inside(ellipses: Tensor, size: int) -> Tensor:
    """Say which pixels lie in each ellipse: (rows, size, size); all, where one is unknown.

    Rows are semi-axes a, b in pixels and the angle t in radians. With the pixel's place (x, y)
    relative to the middle, u = x cos t + y sin t and v = y cos t - x sin t, it is inside where
    (u / a)^2 + (v / b)^2 <= 1.
    """
    a, b, t = (ellipses[:, i, None, None] for i in range(3))
    place = torch.arange(size, dtype=ellipses.dtype, device=ellipses.device) - (size - 1) / 2
    y, x = place[:, None], place[None, :]
    u, v = x * t.cos() + y * t.sin(), y * t.cos() - x * t.sin()
    return ~((u / a) ** 2 + (v / b) ** 2 > 1)


def _takes(factory: Any, option: str) -> bool:
    parameters = inspect.signature(factory).parameters
    any_name = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
    return any_name or option in parameters
