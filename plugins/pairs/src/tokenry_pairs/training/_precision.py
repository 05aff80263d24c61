"""What is around a training: random numbers, threads, and the precision of the device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Literal

import torch

from ..model import PairMatchingModel

__all__ = ["Precision", "autocast", "precision_for", "surroundings"]

Precision = Literal["auto", "bfloat16", "float32"]
_WIDE = 192  # width of tokens from which bfloat16 is faster


@contextmanager
def surroundings(seed: int, device: str, threads: int | None) -> Iterator[None]:
    """Draw from the seed in so many threads, and leave torch as it was."""
    before = torch.get_num_threads()
    devices = [torch.device(device)] if device.startswith("cuda") else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        if threads is not None:
            torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def autocast(device: str, precision: str) -> Any:
    """Give the context in which the model computes, in "bfloat16" or "float32"."""
    if precision == "bfloat16":
        return torch.autocast(torch.device(device).type, torch.bfloat16)
    return nullcontext()


def precision_for(device: str, wanted: Precision, model: PairMatchingModel) -> Precision:
    """Give the precision that "auto" stands for: bfloat16 where it pays.

    It pays where the device has units for it and the products are large; in a narrow model the
    conversions cost more than they save.
    """
    if wanted != "auto":
        return wanted
    wide = model.backbone.get_token_dim() >= _WIDE
    return "bfloat16" if wide and _has_bfloat16(torch.device(device).type) else "float32"


def _has_bfloat16(kind: str) -> bool:
    if kind == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    units = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return kind == "cpu" and any(getattr(torch.cpu, unit, bool)() for unit in units)
