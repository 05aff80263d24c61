"""Where a model's weights come from, and the digest that names them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from tokenry_core import Array, fingerprint
from tokenry_core.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._backbone import Backbone

__all__ = ["load_checkpoint", "read_checkpoint", "seeded", "weights_digest"]


_HEADS = ("head.", "head_dist.", "fc_norm.", "dino_head.", "ibot_head.")


def read_checkpoint(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Give the tensors of a .safetensors, .pt or .pth file; code in it is never run."""
    path = os.fspath(path)
    if not os.path.isfile(path):
        raise ConfigError(
            f'weights: "{path}" is no file; give "pretrained" (from the hub), "random", or a'
            " .safetensors, .pt or .pth file"
        )
    try:
        if path.endswith(".safetensors"):
            from safetensors.torch import load_file

            return dict(load_file(path))
        import torch

        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle, zipfile, safetensors: each has errors of its own
        raise DataError(
            f"{path}: cannot be read as weights ({type(error).__name__}: {error}); only tensors in"
            " plain containers are read, because a pickled object could run code"
        ) from None
    return _tensors(path, found)


def load_checkpoint(vit: Any, path: str | os.PathLike[str]) -> None:
    """Give a timm model the weights of a file, every one of them.

    Files in the naming of the original DINO repositories are converted by timm's own rules. A
    classifier's weights are left out, because embeddings do not use one.
    """
    tensors = read_checkpoint(path)
    convert = getattr(sys.modules[type(vit).__module__], "checkpoint_filter_fn", None)
    try:
        if convert is not None:
            tensors = convert(tensors, vit)
        found = vit.load_state_dict(tensors, strict=False)
    except (RuntimeError, KeyError, AttributeError, TypeError) as error:
        raise _unfit(vit, path, str(error)) from None
    foreign = [name for name in found.unexpected_keys if not name.startswith(_HEADS)]
    if found.missing_keys or foreign:
        lacks = ", ".join(found.missing_keys[:3]) or "nothing"
        more = ", ".join(foreign[:3]) or "nothing"
        raise _unfit(vit, path, f"it lacks {lacks}, and has {more} that the model has not")


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw torch's random numbers from this seed, and leave its generator as it was."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def weights_digest(model: Backbone) -> Array:
    """Give the 32 bytes that name everything the model computes with.

    Equal tensors give equal bytes, whichever file or hub they came from. Normalisation constants
    count as well: timm keeps them apart from the weights.
    """
    state = {name: _array(tensor) for name, tensor in model.state_dict().items()}
    constants = {"mean": model.mean, "std": model.std, "patch_size": model.patch_size}
    return np.frombuffer(bytes.fromhex(fingerprint("weights", 1, constants, state)), np.uint8)


def _tensors(path: str, found: Any) -> dict[str, Any]:
    import torch

    for key in ("state_dict", "model", "teacher"):
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
    if not isinstance(found, Mapping) or not found:
        raise DataError(f"{path}: holds no named tensors; save model.state_dict()")
    return {
        str(key).removeprefix("module."): value
        for key, value in found.items()
        if isinstance(value, torch.Tensor)
    }


def _unfit(vit: Any, path: str | os.PathLike[str], why: str) -> DataError:
    return DataError(
        f"{os.fspath(path)}: these are not the weights of a {type(vit).__name__} of width"
        f" {vit.embed_dim} and depth {len(vit.blocks)}: {why}; give the model, and the options,"
        " that the file was made with"
    )


def _array(tensor: Any) -> Array:
    import torch

    tensor = tensor.detach().cpu().contiguous()
    if tensor.dtype == torch.bfloat16:  # NumPy has no such type: its bits are as good
        tensor = tensor.view(torch.int16)
    return np.asarray(tensor.numpy())
