"""A pass over all columns: each column's share, updated batch by batch and merged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tokenry_scalar._config import ScalarConfig
from tokenry_scalar._floats import Floats
from tokenry_scalar._threads import run_all
from tokenry_scalar.search._search import Partial
from tokenry_scalar.training._column import Column
from tokenry_scalar.training._sample import Rows

BUDGET = 256 << 20  # bytes that the searches of one pass may take; the others wait for the next


class TrainingState:
    """What one worker has seen in one pass; columns that wait or are done have None."""

    def __init__(self, names: Sequence[str], shares: list[Partial | None]) -> None:
        self.names = tuple(names)
        self.shares = shares
        self.integer = [True] * len(shares)
        self.rows = 0

    @classmethod
    def start(cls, columns: Sequence[Column], config: ScalarConfig) -> TrainingState:
        """Give the empty state of the next pass."""
        shares: list[Partial | None] = []
        spent = 0
        for column in columns:
            waits = spent > 0 and spent + column.memory > BUDGET
            spent += 0 if column.done or waits else column.memory
            shares.append(None if column.done or waits else column.start(config))
        return cls([column.name for column in columns], shares)

    @property
    def active(self) -> list[int]:
        """The numbers of the columns that take part in this pass."""
        return [i for i, share in enumerate(self.shares) if share is not None]

    def add(
        self,
        values: Sequence[Floats],
        integer: Sequence[bool],
        rows: Rows | None,
        threads: int,
    ) -> None:
        """Take note of a batch: the values of each active column, and whether all are whole."""

        def one(work: tuple[Any, Floats]) -> None:
            share, floats = work
            share.add(floats, rows)

        active = self.active
        self.rows += len(values[0]) if values else 0
        run_all(one, zip([self.shares[i] for i in active], values, strict=True), threads)
        for i, whole in zip(active, integer, strict=True):
            self.integer[i] &= whole

    def merge(self, other: TrainingState) -> TrainingState:
        """Join what another worker has seen."""
        for i in self.active:
            self.shares[i] = self.shares[i].merge(other.shares[i])  # type: ignore[union-attr]
        self.rows += other.rows
        self.integer = [a and b for a, b in zip(self.integer, other.integer, strict=True)]
        return self

    def finish(self, columns: Sequence[Column], config: ScalarConfig, threads: int) -> bool:
        """Let the columns learn from the pass; True when there has to be another."""

        def one(i: int) -> None:
            columns[i].finish(self.shares[i], self.integer[i], config)

        run_all(one, self.active, threads)
        return not all(column.done for column in columns)
