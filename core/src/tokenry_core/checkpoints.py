"""Checkpoints of torch: all that a training needs to go on as if it had not been interrupted.

A checkpoint is one safetensors file with groups of tensors, and a note that says where the training
is. This module imports torch, which the core itself does without.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ._atomic import write_atomically

__all__ = ["optimizer_tensors", "read_checkpoint", "restore_optimizer", "write_checkpoint"]


def write_checkpoint(path: Path, groups: Mapping[str, Mapping[str, Tensor]], note: Any) -> None:
    """Write groups of tensors and a note that JSON can hold: the whole file, or none.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "checkpoint.safetensors")
    >>> write_checkpoint(path, {"model": {"weight": torch.ones(2)}}, {"step": 7})
    >>> groups, note = read_checkpoint(path)
    >>> groups["model"]["weight"].tolist(), note
    ([1.0, 1.0], {'step': 7})
    """
    flat = {
        f"{group}/{name}": tensor.detach().cpu().contiguous()
        for group, tensors in groups.items()
        for name, tensor in tensors.items()
    }
    write_atomically(path, save(flat, metadata={"note": json.dumps(note)}))


def read_checkpoint(path: Path) -> tuple[dict[str, dict[str, Tensor]], Any] | None:
    """Give groups and note, or None where there is no whole checkpoint; nothing is unpickled.

    A group without a tensor is not kept.
    """
    try:
        with safe_open(path, framework="pt") as file:
            groups: dict[str, dict[str, Tensor]] = {}
            for key in file.keys():  # noqa: SIM118 (not a dictionary)
                group, _, name = key.partition("/")
                groups.setdefault(group, {})[name] = file.get_tensor(key)
            return groups, json.loads(file.metadata()["note"])
    except (SafetensorError, OSError, ValueError, KeyError, TypeError):
        return None  # none, or damaged: training from the beginning gives the same result


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Give an optimizer's moments as named tensors."""
    state = optimizer.state_dict()["state"]
    return {
        f"{index}/{name}": torch.as_tensor(value)
        for index, values in state.items()
        for name, value in values.items()
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Take moments of `optimizer_tensors` in use."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        index, _, name = key.partition("/")
        state.setdefault(int(index), {})[name] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
