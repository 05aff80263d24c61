"""Spellings of the scripts that Tokenry replaces, where several tokenizers share them."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any, TypeVar

from ._base import BaseTokenizer
from .errors import ArtifactError

__all__ = ["NpzNames"]

C = TypeVar("C")


class NpzNames(BaseTokenizer[C]):
    """A tokenizer whose scripts called `save("x.npz")` and `load("x.npz")`.

    Both mean the artifact `x.safetensors`: `save` says so, `load` finds it. A `.npz` that the
    scripts themselves wrote is refused, with the way to read it.
    """

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the artifact; a path that ends in .npz is taken to mean .safetensors."""
        given = Path(path)
        if given.suffix != ".npz":
            return super().save(given)
        saved = super().save(given.with_suffix(".safetensors"))
        warnings.warn(
            f'saved as "{saved}": artifacts are .safetensors files, never pickled .npz;'
            f' load("{given}") finds it',
            UserWarning,
            stacklevel=2,
        )
        return saved

    @classmethod
    def artifact_path(cls, path: str | os.PathLike[str]) -> str | os.PathLike[str]:
        """For NAME.npz the artifact beside it."""
        given = Path(path)
        if given.suffix != ".npz":
            return path
        beside = given.with_suffix(".safetensors")
        if given.exists() and not beside.exists():
            raise ArtifactError(f'"{given}" is no artifact{_way_to_read(cls)}')
        return beside


def _way_to_read(cls: type[Any]) -> str:
    if not hasattr(cls, "from_legacy"):
        return ", which is NAME.safetensors"
    return (
        f"; if the scripts that this replaces wrote it, {cls.__name__}.from_legacy(path) reads it,"
        " and tokenry convert rewrites it"
    )
