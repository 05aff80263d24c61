"""Who computes a step: this process alone, or Hugging Face Accelerate's processes."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor

from tokenry_core.errors import ConfigError

from ._step import PairStep

__all__ = ["Devices", "OneDevice", "accelerated"]


class Devices(Protocol):
    """What the training loop needs of its devices."""

    device: str
    rank: int
    world: int

    def prepare(self, step: PairStep, optimizer: Any) -> tuple[Any, Any]:
        """Give step and optimizer as they are to be called."""
        ...

    def backward(self, loss: Tensor) -> None:
        """Compute the gradients, over all processes."""
        ...


class OneDevice:
    """One device, and one process."""

    rank, world = 0, 1

    def __init__(self, device: str) -> None:
        self.device = device

    def prepare(self, step: PairStep, optimizer: Any) -> tuple[Any, Any]:
        """Give both as they are."""
        return step.to(self.device), optimizer

    def backward(self, loss: Tensor) -> None:
        """Compute the gradients."""
        loss.backward()  # type: ignore[no-untyped-call]


class AcceleratedDevices:
    """The processes that `accelerate launch` started, each with its own share of the steps."""

    def __init__(self, accelerator: Any) -> None:
        self._accelerator = accelerator
        self.device = str(accelerator.device)
        self.rank, self.world = accelerator.process_index, accelerator.num_processes

    def prepare(self, step: PairStep, optimizer: Any) -> tuple[Any, Any]:
        """Wrap both, so that gradients are averaged over the processes."""
        prepared = self._accelerator.prepare(step, optimizer)
        return prepared[0], prepared[1]

    def backward(self, loss: Tensor) -> None:
        """Compute the gradients, over all processes."""
        self._accelerator.backward(loss)


def accelerated(device: str) -> AcceleratedDevices:
    """Give Accelerate's devices; precision stays with the training's own `amp`."""
    try:
        from accelerate import Accelerator
    except ImportError:
        raise ConfigError(
            "use_accelerator=True needs the package accelerate: pip install"
            ' "tokenry-pairs[accelerate]", or leave it False for one device'
        ) from None
    return AcceleratedDevices(Accelerator(cpu=torch.device(device).type == "cpu"))
