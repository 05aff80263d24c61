"""Where and how fast a tokenizer works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from ._config import with_doc

__all__ = ["Runtime"]


@dataclass(frozen=True)
class Runtime:
    """Where and how fast to work. Nothing here changes the tokens of an exact field."""

    device: str = with_doc("cpu, cuda, cuda:1, mps", "cpu")
    batch_rows: Annotated[int, Ge(1)] = with_doc("rows that are encoded at a time", 1 << 16)
    threads: Annotated[int, Ge(1)] | None = with_doc("of each worker; default: all there are", None)
