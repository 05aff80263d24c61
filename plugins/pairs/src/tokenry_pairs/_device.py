"""Whether there is a device."""

from __future__ import annotations

import torch

from tokenry_core.errors import ConfigError

__all__ = ["require_device"]


def require_device(device: str) -> None:
    """Refuse a device that torch does not know, or that is not here."""
    try:
        torch.zeros(0, device=device)
    except Exception as error:  # torch has one of its own for every kind of device
        why = str(error).partition("\n")[0]
        raise ConfigError(
            f'device: "{device}" cannot be used: {why}; allowed are cpu, and cuda, cuda:1 or mps'
            " where there is one"
        ) from None
