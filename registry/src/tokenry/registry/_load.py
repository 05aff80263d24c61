"""From an artifact's path to its tokenizer."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenry_core import BaseTokenizer

__all__ = ["load"]


def load(path: str | os.PathLike[str], **runtime: Any) -> BaseTokenizer[Any]:
    """Give the tokenizer that an artifact holds, whichever plugin made it.

    `runtime` says where it works: `device`, `batch_rows`, `threads`.
    """
    # Artifacts need numpy, which importing tokenry does not.
    from tokenry_core import load as load_artifact

    return load_artifact(path, **runtime)
