"""Training by a loop of its own on those fragments that can be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from ._protocols import DataSource, Fragment
from .errors import DataError

__all__ = ["fit_readable", "rows_of", "without"]


class Unreadable(DataError):
    """A fragment that cannot be read to its end; it pickles with both of its arguments."""

    def __init__(self, fragment: str, reason: str) -> None:
        super().__init__(fragment, reason)
        self.fragment, self.reason = fragment, reason

    def __str__(self) -> str:
        return f"{self.fragment}: {self.reason}"


@dataclass(frozen=True)
class _Named:
    """A fragment whose errors say which it is."""

    fragment: Fragment

    @property
    def id(self) -> str:
        return self.fragment.id

    @property
    def digest(self) -> str:
        return self.fragment.digest

    def read(self, columns: Sequence[str] | None, rows: int) -> Iterator[pa.RecordBatch]:
        try:
            yield from self.fragment.read(columns, rows)
        except DataError as error:
            raise Unreadable(self.id, str(error)) from error


@dataclass(frozen=True)
class _Without:
    """A source some of whose fragments are left out."""

    source: DataSource
    left_out: frozenset[str]

    @property
    def schema(self) -> pa.Schema:
        return self.source.schema

    def fragments(self) -> Sequence[Fragment]:
        return [_Named(f) for f in self.source.fragments() if f.id not in self.left_out]


def without(source: DataSource, failed: dict[str, str]) -> DataSource:
    """Give the fragments that have not failed; an error of another is `Unreadable`.

    When all have failed, that is an error that names the first.
    """
    left = _Without(source, frozenset(failed))
    if failed and not left.fragments():
        first, reason = next(iter(failed.items()))
        raise DataError(f"none of {len(failed)} fragments can be trained on: {first}: {reason}")
    return left


def fit_readable(
    fit: Callable[[DataSource], None], source: DataSource, failed: dict[str, str]
) -> None:
    """Train on the fragments that can be read; the others are named in `failed`.

    A loop has seen part of a fragment before it finds the damage, and half of one must not count:
    so it begins anew without it. What shows without reading the data is found before the loop.
    """
    for fragment in source.fragments():
        try:
            rows_of([fragment])
        except DataError as error:
            failed[fragment.id] = str(error)
    while True:
        try:
            return fit(without(source, failed))
        except Unreadable as error:
            failed[error.fragment] = error.reason


def rows_of(fragments: Sequence[Fragment]) -> int:
    """Give the number of rows, which takes the id column alone."""
    return sum(batch.num_rows for f in fragments for batch in f.read([], 1 << 16))
