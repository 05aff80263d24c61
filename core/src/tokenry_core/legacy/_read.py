"""One function for every kind of legacy file, told apart by their first bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ..errors import LegacyError
from . import _npy, _npz
from ._budget import Budget
from ._compression import decompressed

MAX_BYTES = 2 * 2**30
_TORCH = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")  # torch's files before they were zips


def read_legacy(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> dict[str, object]:
    """Give what a `.npz`, `.npy`, `.pkl` or `.joblib` file holds, running nothing that it names.

    Arrays, scalars and plain containers come as themselves, everything else as a `Record`. A
    `.npz` gives its members by name, a pickled dict of text keys gives its entries, and any other
    single object comes under the key `"value"`. Arrays without dimensions, as np.savez wraps
    scalars and dicts in, are unwrapped.

    Reading never takes more than about `max_bytes` of memory. A file that is damaged, hostile or
    of another kind raises `LegacyError`; so does a missing one.

    >>> import numpy as np, tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "old.npz"
    >>> np.savez(path, n_bins=4, edges=np.array({"mag_r": np.arange(3.0)}, dtype=object))
    >>> found = read_legacy(path)
    >>> int(found["n_bins"]), found["edges"]["mag_r"].tolist()
    (4, [0.0, 1.0, 2.0])
    """
    budget = Budget(max_bytes)
    try:
        with open(path, "rb") as file:
            # A reader that is asked for more than there is allocates it all before it looks.
            data = file.read(min(os.fstat(file.fileno()).st_size, max_bytes + 1))
    except OSError as error:
        raise LegacyError(f"{os.fspath(path)}: cannot be read: {error.strerror}") from None
    with _named(os.fspath(path)):
        budget.spend(len(data))
        if data.startswith(_TORCH):
            raise LegacyError(_npz.IS_TORCH)
        if data.startswith(_npz.MAGIC):
            return _from_npz(data, budget)
        if data.startswith(_npy.MAGIC):
            return _entries(_unwrapped(_npy.array_from_npy(data, budget)))
        return _entries(_unwrapped(_npy.unpickled(decompressed(data, budget), budget)))


def _from_npz(data: bytes, budget: Budget) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, content in _npz.npz_members(data, budget):
        with _named(f'member "{name[:80]}"'):
            if not content.startswith(_npy.MAGIC):
                raise LegacyError("it does not begin as a .npy array does")
            found[name] = _unwrapped(_npy.array_from_npy(content, budget))
    return found


def _unwrapped(value: object) -> object:
    return value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value


def _entries(value: object) -> dict[str, object]:
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return value
    return {"value": value}


@contextmanager
def _named(what: str) -> Iterator[None]:
    """Say in every error which file and member it is about."""
    try:
        yield
    except LegacyError as error:
        raise LegacyError(f"{what}: {error}") from error
    except Exception as error:
        # Damaged bytes make the parsers of zip, zlib, pickle and NumPy fail in many ways.
        why = f"{type(error).__name__}: {error!s:.200}"
        raise LegacyError(f"{what}: it is damaged, or no file of this kind ({why})") from error
