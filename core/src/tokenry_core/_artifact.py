"""Artifacts: a trained tokenizer as one safetensors file that proves what made it.

The file holds the tensors and one metadata entry, `tokenry`: canonical JSON with the plugin, its
configuration, vocabulary and training data. Nothing in it can run code. The `fingerprint` names
what decides the tokens (plugin, encoding, stored configuration, tensors); `file_sha256`
covers every byte of the file.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ._atomic import write_atomically
from ._config import build_config, canonical_json
from ._versions import FORMAT
from .errors import ArtifactError, ConfigError

__all__ = ["ArtifactHeader", "fingerprint", "read_artifact", "read_header", "write_artifact"]

_MAX_HEADER = 100_000_000  # safetensors' own limit
_NO_DIGEST = "0" * 64
State = Mapping[str, "np.ndarray[Any, Any]"]


@dataclass(frozen=True)
class ArtifactHeader:
    """What an artifact says of itself."""

    plugin: str
    distribution: str
    version: str
    contract: int
    encoding: int
    config: Mapping[str, Any]
    vocabulary: Mapping[str, int]
    training: Mapping[str, Any]
    fingerprint: str
    format: int = FORMAT
    file_sha256: str = _NO_DIGEST


def fingerprint(plugin: str, encoding: int, config: Mapping[str, Any], state: State) -> str:
    """Give the SHA-256 of all that decides the tokens.

    `config` is what is (or will be) stored, so that a new option with a default does not change
    the fingerprint of an old artifact.
    """
    total = hashlib.sha256()
    for part in (plugin, str(encoding), canonical_json(config)):
        _add(total, part.encode())
    for name in sorted(state):
        array = _portable(name, state[name])
        for part in (name, array.dtype.str, str(array.shape)):
            _add(total, part.encode())
        _add(total, array.reshape(-1).view(np.uint8))
    return total.hexdigest()


def write_artifact(path: str | os.PathLike[str], header: ArtifactHeader, state: State) -> Path:
    """Write the file whole or not at all, and give its path."""
    from safetensors.numpy import save

    text = canonical_json(replace(header, file_sha256=_NO_DIGEST))
    arrays = {name: _portable(name, array) for name, array in state.items()}
    data = save(arrays, metadata={"tokenry": text})
    digest = hashlib.sha256(data).hexdigest()
    signed = canonical_json(replace(header, file_sha256=digest))
    data = data.replace(json.dumps(text).encode(), json.dumps(signed).encode(), 1)
    return write_atomically(path, data)


def read_header(path: str | os.PathLike[str]) -> ArtifactHeader:
    """Give what the artifact says of itself, without reading its tensors."""
    with _opened(path) as file:
        return _header(path, _metadata(path, file, os.fstat(file.fileno()).st_size))


def read_artifact(
    path: str | os.PathLike[str],
) -> tuple[ArtifactHeader, dict[str, np.ndarray[Any, Any]]]:
    """Give header and tensors of a file that is whole to the last byte."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    with _opened(path) as file:
        metadata = _metadata(path, file, os.fstat(file.fileno()).st_size)
        file.seek(0)
        data = file.read()
    header = _header(path, metadata)
    if _digest(data, header.file_sha256) != header.file_sha256:
        raise _error(path, "its content does not match its digest: a byte changed after writing")
    try:
        state = load(data)
        for name, array in state.items():
            _portable(name, array)
    except KeyError as error:
        what = f"it holds tensors of type {error}; allowed are bool, int, uint and float"
        raise _error(path, what) from None
    except (SafetensorError, ValueError, TypeError, AttributeError) as error:
        raise _error(path, f"its tensors cannot be read ({error})") from None
    if fingerprint(header.plugin, header.encoding, header.config, state) != header.fingerprint:
        raise _error(path, "its fingerprint does not match its configuration and tensors")
    return header, state


def _opened(path: str | os.PathLike[str]) -> Any:
    try:
        return open(path, "rb")
    except OSError as error:
        raise _error(path, error.strerror or str(error)) from None


def _metadata(path: Any, file: Any, size: int) -> Mapping[str, Any]:
    start = file.read(8)
    length = int.from_bytes(start, "little")
    if len(start) < 8 or length > size - 8:
        raise _error(
            path,
            f"it is truncated, or no safetensors file: it declares a header of {length} bytes and"
            f" has {size} in all",
        )
    if length > _MAX_HEADER:
        raise _error(
            path, f"it declares a header of {length} bytes; at most {_MAX_HEADER} are allowed"
        )
    try:
        metadata = json.loads(file.read(length)).get("__metadata__", {})
        return dict(json.loads(metadata["tokenry"]))
    except (KeyError, AttributeError):
        raise _error(path, "it is a safetensors file, but no artifact of Tokenry") from None
    except (ValueError, TypeError, RecursionError):
        raise _error(path, "its header is not JSON: the file is damaged") from None


def _header(path: Any, values: Mapping[str, Any]) -> ArtifactHeader:
    if values.get("format") != FORMAT:
        raise _error(
            path,
            f"it has artifact format {values.get('format')}; this version of tokenry-core reads"
            f" format {FORMAT}: install the version that wrote it, or write it anew",
        )
    try:
        return build_config(ArtifactHeader, values)
    except ConfigError as error:
        raise _error(path, f"its header is not that of an artifact ({error})") from None


def _digest(data: bytes, digest: str) -> str:
    """Give the digest of all bytes, its own place read as zeros."""
    # No other place can hold these 64 characters: they are not known before the file is.
    at = data.find(digest.encode())
    total = hashlib.sha256(memoryview(data)[:at])
    total.update(_NO_DIGEST.encode())
    total.update(memoryview(data)[at + len(_NO_DIGEST) :])
    return total.hexdigest()


def _portable(name: str, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    array = np.asarray(array, order="C")
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        raise ArtifactError(
            f'state "{name}" is {array.dtype}; an artifact holds bool, int, uint and float arrays'
        )
    if name == "__metadata__":
        raise ArtifactError(f'a state cannot be called "{name}": the format uses that name')
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def _add(total: Any, part: Any) -> None:
    """Hash the length first, so that no two sequences of parts read the same."""
    total.update(len(part).to_bytes(8, "little"))
    total.update(part)


def _error(path: Any, what: str) -> ArtifactError:
    return ArtifactError(f"{os.fspath(path)}: {what}")
