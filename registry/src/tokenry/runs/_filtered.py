"""A source without the rows that a condition leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tokenry_core import DataSource, Fragment

from ..config import Where

__all__ = ["FilteredSource"]


@dataclass(frozen=True)
class FilteredFragment:
    """A fragment without the rows that a condition leaves out."""

    inner: Fragment
    where: Where

    @property
    def id(self) -> str:
        """The id of the fragment that is filtered."""
        return self.inner.id

    @property
    def digest(self) -> str:
        """Changes with the content and with the condition."""
        return f"{self.inner.digest}|{self.where.text}"

    def read(self, columns: Any, rows: int) -> Iterator[pa.RecordBatch]:
        """Batches without the rows that are left out."""
        wanted = None if columns is None else [*columns, *sorted(self.where.columns - {*columns})]
        for batch in self.inner.read(wanted, rows):
            yield self.where(batch)


@dataclass(frozen=True)
class FilteredSource:
    """A source without the rows that a condition leaves out."""

    inner: DataSource
    where: Where

    @property
    def schema(self) -> pa.Schema:
        """The columns there are."""
        return self.inner.schema

    def fragments(self) -> list[FilteredFragment]:
        """The fragments of the source, filtered."""
        return [FilteredFragment(fragment, self.where) for fragment in self.inner.fragments()]
