"""Running a backbone over views: precision, batches that fit the memory, and threads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tokenry_core import Array
from tokenry_core.errors import ConfigError

from ._attention import BlockedAttention
from ._backbone import Backbone, Features

__all__ = ["Forward", "has_bfloat16"]

TOKENS = {"cpu": 2048}  # in one forward pass: a CPU gains nothing from more
MORE_TOKENS = 65_536


class Forward:
    """A backbone on its device, in its precision.

    `reductions` counts how often a batch had to be halved because memory ran out; results may
    then differ in their last bits from those of a run with room.
    """

    def __init__(
        self, backbone: Backbone, device: str, precision: str, threads: int | None = None
    ) -> None:
        self.threads = threads
        self.device = _device(device)
        self.dtype = _dtype(precision, self.device)
        self.backbone: Any = backbone
        if isinstance(backbone, nn.Module):
            self.backbone = backbone.to(self.device)
            if self.dtype == torch.bfloat16:
                _cast_linear(self.backbone)
        scale = 1 / (255 * np.array(backbone.std))
        shift = -np.array(backbone.mean) / np.array(backbone.std)
        self._scale = self._channels(scale)
        self._shift = self._channels(shift)
        self.reductions = 0
        self._limit: int | None = None  # tokens that fitted when more did not

    def images(self, height: int, width: int) -> int:
        """Give the number of images of this size that one pass takes."""
        tokens = self._limit or TOKENS.get(self.device.type, MORE_TOKENS)
        return max(1, tokens // max(1, int(self.backbone.num_tokens(height, width))))

    def __call__(self, views: Sequence[Array]) -> Features:
        """Give the features of (height, width, 3) uint8 views of one size, in float32 on the CPU.

        Where memory runs out the batch is halved, from then on.
        """
        try:
            return self._run(views)
        except torch.OutOfMemoryError:
            if len(views) == 1:
                raise
        torch.cuda.empty_cache()
        half = len(views) // 2
        height, width = views[0].shape[:2]
        self._limit = half * self.backbone.num_tokens(height, width)
        self.reductions += 1
        return _joined(self(views[:half]), self(views[half:]))

    def _run(self, views: Sequence[Array]) -> Features:
        with _torch_threads(self.threads), torch.inference_mode(), self._precise():
            pixels = torch.from_numpy(np.stack(views)).to(self.device).permute(0, 3, 1, 2)
            images = torch.addcmul(self._shift, pixels.float(), self._scale)
            found: Features = self.backbone(images)
            return Features(_home(found.patches), *map(_home_or_none, found[1:]))

    @contextmanager
    def _precise(self) -> Iterator[None]:
        if self.dtype == torch.float32:
            yield
            return
        with torch.autocast(self.device.type, self.dtype, cache_enabled=False):
            if self.device.type != "cpu":
                yield
                return
            with BlockedAttention():
                yield

    def _channels(self, values: Any) -> Tensor:
        return torch.tensor(values, dtype=torch.float32, device=self.device).view(1, 3, 1, 1)


@contextmanager
def _torch_threads(count: int | None) -> Iterator[None]:
    """Fix the number of threads, on which the last bits of sums may depend."""
    before = torch.get_num_threads()
    if count is None or count == before:
        yield
        return
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device multiplies bfloat16 matrices in hardware."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        # torch has no public name for either
        known = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        return any(getattr(torch.cpu, name, bool)() for name in known)
    return False


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f'runtime.device: "{name}" cannot be used: {error}') from None
    return device


def _dtype(precision: str, device: torch.device) -> torch.dtype:
    if precision == "auto":
        return torch.bfloat16 if has_bfloat16(device) else torch.float32
    return torch.bfloat16 if precision == "bfloat16" else torch.float32


def _cast_linear(model: nn.Module) -> None:
    """Store the large matrices as autocast would use them, instead of casting them every time."""
    for module in model.modules():
        if isinstance(module, nn.Linear):
            module.to(torch.bfloat16)


def _home(part: Tensor) -> Tensor:
    return part.float().cpu()


def _home_or_none(part: Tensor | None) -> Tensor | None:
    return None if part is None else _home(part)


def _joined(a: Features, b: Features) -> Features:
    pairs = zip(a[1:], b[1:], strict=True)
    rest = (None if x is None or y is None else torch.cat([x, y]) for x, y in pairs)
    return Features(torch.cat([a.patches, b.patches]), *rest)
