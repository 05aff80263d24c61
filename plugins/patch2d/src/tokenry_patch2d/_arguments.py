"""Read what a caller gives once for a batch, or once per pair."""

from __future__ import annotations

from typing import Any

import torch

from tokenry_core.errors import ConfigError, ShapeError

__all__ = ["per_pair", "quarter_turns"]


def per_pair(
    value: Any, count: int, name: str, dtype: torch.dtype, device: torch.device
) -> torch.Tensor:
    """Give `count` numbers: one that holds for all, or as many as there are pairs.

    >>> per_pair(1.5, 2, "dx", torch.float64, torch.device("cpu")).tolist()
    [1.5, 1.5]
    """
    if isinstance(value, int | float):
        return torch.full((count,), value, dtype=dtype, device=device)
    values = _numbers(value, name)
    if values.ndim > 1 or (values.ndim == 1 and values.shape[0] != count):
        raise ShapeError(
            f"{name} must have shape ({count},), one per pair, or be a scalar, "
            f"got shape {tuple(values.shape)}"
        )
    return values.detach().to(device, dtype).expand(count).contiguous()


def quarter_turns(value: Any, count: int, rotation: str, device: torch.device) -> torch.Tensor:
    """Give clockwise quarter turns from 0 to 3, int64."""
    if rotation not in ("cw", "ccw"):
        raise ConfigError(
            'rotation must be "cw" (clockwise) or "ccw" (by torch.rot90 with positive k), '
            f"got {rotation!r}"
        )
    if not isinstance(value, int):
        value = _numbers(value, "rot_k90")
        if value.is_floating_point():
            raise ConfigError(
                "rot_k90 counts quarter turns, so it must be an integer or of an integer dtype, "
                f"got {value.dtype}"
            )
    turns = per_pair(value, count, "rot_k90", torch.int64, device)
    return (turns if rotation == "cw" else -turns) % 4


def _numbers(value: Any, name: str) -> torch.Tensor:
    if isinstance(value, torch.Tensor):
        return value
    try:
        return torch.as_tensor(value, device="cpu")
    except (TypeError, ValueError, RuntimeError):
        raise ConfigError(f"{name} must be a number, or numbers, got {value!r}") from None
