"""From an artifact's path to its tokenizer, whoever made it."""

from __future__ import annotations

import os
from typing import Any

from ._artifact import read_header
from ._base import BaseTokenizer
from ._registry import Registry
from .errors import ArtifactError, UnknownName

__all__ = ["load"]


def load(path: str | os.PathLike[str], **runtime: Any) -> BaseTokenizer[Any]:
    """Give the tokenizer that an artifact holds; `runtime` says where it works.

    `runtime` takes `device`, `batch_rows` and `threads`.
    """
    header = read_header(path)
    registry: Registry[type[BaseTokenizer[Any]]] = Registry("tokenry.tokenizers")
    named = f"{header.distribution}:{header.plugin}" if header.distribution else header.plugin
    try:
        # The same plugin may meanwhile come from a distribution of another name.
        cls = registry[named if named in registry else header.plugin]
    except UnknownName as error:
        made = f"{header.distribution or 'an unnamed distribution'} {header.version}".strip()
        raise ArtifactError(f"{os.fspath(path)}: it was made by {made}: {error}") from None
    return cls.load(path, **runtime)
