"""What is around a training: random numbers, threads, and the precision of the device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch

from tokenry_core import Session

from ._config import ImageTraining

__all__ = ["full_precision", "precision", "surroundings"]


@contextmanager
def surroundings(session: Session) -> Iterator[None]:
    """Draw from the session's seed in its threads, and leave torch as it was."""
    threads = torch.get_num_threads()
    devices = [torch.device(session.device)] if session.device.startswith("cuda") else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(session.seed)
        if session.threads is not None:
            torch.set_num_threads(session.threads)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def precision(device: str, training: ImageTraining) -> Any:
    """Give the context in which the network computes."""
    kind = torch.device(device).type
    wanted = training.precision
    if wanted == "auto":
        wanted = "bfloat16" if _has_bfloat16(kind) else "float32"
    return torch.autocast(kind, torch.bfloat16) if wanted == "bfloat16" else nullcontext()


def full_precision(device: torch.device) -> Any:
    """Give the context in which a GPU's float32 is float32: TF32 would give other tokens."""
    if device.type != "cuda":
        return nullcontext()
    return torch.backends.cudnn.flags(allow_tf32=False)


def _has_bfloat16(kind: str) -> bool:
    """Whether a device has units for bfloat16; without them it is slower than float32."""
    if kind == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    units = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return kind == "cpu" and any(getattr(torch.cpu, unit, bool)() for unit in units)
