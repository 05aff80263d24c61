"""Weights of other programs: tensors are read, their names translated, nothing is unpickled."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from tokenry_core.errors import DataError

__all__ = ["KEY_MAP", "SUFFIXES", "read_weights", "take_weights"]

SUFFIXES = (".pt", ".pth", ".bin", ".ckpt")
_CONTAINERS = ("state_dict", "model_state_dict", "model")
# Prefixes of wrappers that were around the network when it was saved.
KEY_MAP = {
    "module.": "",
    "_orig_mod.": "",
    "model.": "",
    "autoencoder.": "",
    "encoder.": "encoder.",
    "decoder.": "decoder.",
}


def read_weights(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Give the named tensors of a file, which may hold them inside of a dictionary."""
    name = os.fspath(path)
    try:
        found: Any = torch.load(name, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise DataError(f'"{name}" is no file') from None
    except Exception as error:  # pickle and zipfile have many errors of their own
        raise DataError(
            f"{name}: cannot be read as weights ({type(error).__name__}); only tensors in plain"
            " dictionaries are read, because anything else could run code: save"
            " model.state_dict()"
        ) from error
    for container in _CONTAINERS:
        if isinstance(found, Mapping) and isinstance(found.get(container), Mapping):
            found = found[container]
    tensors = {
        str(key): value
        for key, value in (found.items() if isinstance(found, Mapping) else ())
        if isinstance(value, Tensor)
    }
    if not tensors:
        raise DataError(f"{name}: holds no named tensors; save model.state_dict()")
    return tensors


def take_weights(
    network: nn.Module, tensors: Mapping[str, Tensor], key_map: Mapping[str, str] | None, path: str
) -> None:
    """Load tensors into a network under translated names: all of them, or an error.

    `key_map` maps prefixes of the file's names to those of the network; the first that fits is
    replaced, again and again for wrappers that become nothing.
    """
    wanted = network.state_dict()
    renamed = {_renamed(key, key_map or KEY_MAP, wanted): value for key, value in tensors.items()}
    missing = sorted(set(wanted) - set(renamed))
    unexpected = sorted(set(renamed) - set(wanted))
    unlike = [
        f"{key} {tuple(renamed[key].shape)} in place of {tuple(wanted[key].shape)}"
        for key in sorted(set(wanted) & set(renamed))
        if renamed[key].shape != wanted[key].shape
    ]
    if missing or unexpected or unlike:
        raise DataError(
            f"{path}: these are not the weights of a {type(network).__name__}:"
            f" missing keys: {_named(missing)}; unexpected keys: {_named(unexpected)};"
            f" other shapes: {_named(unlike)}. Give the model, and the options, that the file was"
            ' made with, or load_weights(path, key_map={"its prefix.": "encoder."})'
        )
    network.load_state_dict(renamed)


def _renamed(key: str, key_map: Mapping[str, str], wanted: Mapping[str, Any]) -> str:
    while key not in wanted:
        prefix = next((prefix for prefix in key_map if key.startswith(prefix)), None)
        if prefix is None or key_map[prefix] == prefix:
            return key
        key = key_map[prefix] + key.removeprefix(prefix)
        if key_map[prefix]:
            return key
    return key


def _named(keys: list[str]) -> str:
    more = f" and {len(keys) - 8} more" if len(keys) > 8 else ""
    return (", ".join(keys[:8]) + more) or "none"
