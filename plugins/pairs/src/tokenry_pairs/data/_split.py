"""Training and validation that share no individual, and the proof that they share no image."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from tokenry_core.errors import ConfigError, DataError

from ._labels import require_labeled

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["check_leakage", "split_by_identity"]

SHOWN = 5


def split_by_identity(
    df: pd.DataFrame, share: float = 0.2, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give training and validation rows; `share` of the labels are in validation alone.

    Which ones follows from a hash of seed and label, whatever the order of the rows. From four
    labels on, each side gets at least two, so that it has pairs of different individuals.

    >>> import pandas as pd
    >>> df = pd.DataFrame({"x": [f"{i}.jpg" for i in range(10)], "y": [i // 2 for i in range(10)]})
    >>> train, validation = split_by_identity(df, 0.4)
    >>> sorted(set(train.y)), sorted(set(validation.y))
    ([0, 2, 4], [1, 3])
    """
    require_labeled(df)
    if not 0 < share < 1:
        raise ConfigError(f"share: {share} was given; allowed is a number between 0 and 1")
    labels = sorted(set(df["y"]), key=lambda label: _rank(seed, label))
    if len(labels) < 2:
        raise DataError("there is 1 label; splitting by identity needs at least two")
    least = 2 if len(labels) >= 4 else 1
    count = min(max(round(share * len(labels)), least), len(labels) - least)
    held = df["y"].isin(labels[:count])
    return df[~held].reset_index(drop=True), df[held].reset_index(drop=True)


def check_leakage(train_df: pd.DataFrame, val_df: pd.DataFrame) -> None:
    """Refuse data where an image is in training and in validation: same path, or same bytes.

    Images that are no paths are compared by their values.
    """
    require_labeled(train_df, name="train_df")
    require_labeled(val_df, name="val_df")
    train, held = _by_key(train_df["x"]), _by_key(val_df["x"])
    found = [(train[key], held[key]) for key in train if key in held]
    found += _equal_files(train, held)
    if found:
        pairs = "; ".join(_told(a, b) for a, b in found[:SHOWN])
        more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        noun = "image is" if len(found) == 1 else "images are"
        raise DataError(
            f"{len(found)} {noun} both in training and in validation, which would measure memory"
            f" rather than recognition: {pairs}{more}; leave them out of one"
        )


def _rank(seed: int, label: Any) -> bytes:
    return hashlib.blake2b(f"{seed}\0{label}".encode(), digest_size=8).digest()


def _by_key(images: Iterable[Any]) -> dict[str, str]:
    """Give what each image is called, by the real path of a file or the digest of values."""
    found: dict[str, str] = {}
    for row, image in enumerate(images):
        if isinstance(image, str | os.PathLike):
            found[os.path.realpath(image)] = os.fspath(image)
        else:
            found[_value_digest(image)] = f"the image of row {row}"
    return found


def _equal_files(train: dict[str, str], held: dict[str, str]) -> list[tuple[str, str]]:
    """Give files with equal bytes under different paths; only those of equal size are read."""
    sizes = {size for path in held if (size := _size(path)) is not None}
    known: dict[bytes, list[str]] = {}
    for path, given in train.items():
        if path not in held and _size(path) in sizes:
            known.setdefault(_digest(path), []).append(given)
    wanted = {_size(path) for given in known.values() for path in given}
    return [
        (given, held[path])
        for path in held
        if path not in train and _size(path) in wanted
        for given in known.get(_digest(path), ())
    ]


def _size(path: str) -> int | None:
    try:
        return os.stat(path).st_size
    except OSError:
        return None  # no file: where one should be, reading it will say so


def _digest(path: str) -> bytes:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _value_digest(image: Any) -> str:
    values = np.asarray(image)
    digest = hashlib.sha256(values.tobytes()).hexdigest()
    return f"{values.dtype} {values.shape} {digest}"


def _told(a: str, b: str) -> str:
    return a if a == b else f"{a} = {b}"
