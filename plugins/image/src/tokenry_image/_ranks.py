"""Several processes, one training: gradients are averaged, and what rank 0 decides is done."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tokenry_core.errors import ConfigError

from ._rows import Stack

__all__ = ["Ranks"]


class Ranks:
    """One process among those that `accelerate launch` or `torchrun` started; alone without them.

    `device` is where it computes, and `first` says that it is the one that writes.
    """

    def __init__(self, device: str) -> None:
        self.device, self.rank, self.count = device, 0, 1
        self._group: Any = None
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            self._group = _accelerator(device)
            self.device = str(self._group.device)
            self.rank, self.count = self._group.process_index, self._group.num_processes

    @property
    def first(self) -> bool:
        """Whether this process tells and writes."""
        return self.rank == 0

    def part(self, stack: Stack) -> Stack:
        """Give this process's rows of a batch."""
        if self._group is None:
            return stack
        rows = len(stack.keys)
        return stack.take(np.arange(self.rank, max(rows, self.count), self.count) % rows)

    def agree(self, *values: float) -> tuple[float, ...]:
        """Give the values of rank 0."""
        if self._group is None:
            return values
        told = torch.tensor(values, dtype=torch.float64, device=self.device)
        return tuple(self._broadcast(told).tolist())

    def same(self, module: nn.Module) -> None:
        """Give every process the weights of rank 0."""
        if self._group is not None:
            for tensor in module.state_dict().values():
                tensor.copy_(self._broadcast(tensor.clone()))

    def average(self, parameters: Iterable[Tensor]) -> None:
        """Replace gradients by their means over the processes."""
        if self._group is None:
            return
        grads = [p.grad for p in parameters if p.grad is not None]
        means = self._group.reduce(torch.cat([grad.flatten() for grad in grads]), "mean")
        for grad, mean in zip(grads, means.split([g.numel() for g in grads]), strict=True):
            grad.copy_(mean.view_as(grad))

    def _broadcast(self, tensor: Tensor) -> Tensor:
        from accelerate.utils import broadcast

        told: Tensor = broadcast(tensor)
        return told


def _accelerator(device: str) -> Any:
    try:
        from accelerate import Accelerator
    except ImportError:
        raise ConfigError(
            "several processes were launched (WORLD_SIZE is set), which Hugging Face Accelerate"
            ' has to connect: pip install "tokenry-image[accelerate]", or launch one'
        ) from None
    return Accelerator(cpu=not device.startswith("cuda"))
