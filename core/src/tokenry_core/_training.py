"""Training: passes of mergeable states, or a loop of the tokenizer's own."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import pyarrow as pa

from ._protocols import DataSource, Fragment, Session, SupportsFit, SupportsMerge, Tokenizer
from ._readable import fit_readable, rows_of
from ._rows import row_keys
from .errors import ConfigError, DataError

__all__ = ["PassResult", "PassTask", "TrainingData", "describe_training", "train"]

T = TypeVar("T")
R = TypeVar("R")


class Trainable(Tokenizer, SupportsMerge[Any], Protocol):
    """A tokenizer that trains by passes."""


class Reduce(Protocol):
    """Runs a task over items, one or more, and merges the results in any order."""

    def __call__(
        self, task: Callable[[T], R], items: Sequence[T], merge: Callable[[R, R], R], /
    ) -> R:
        """Give what all results are merged into."""
        ...


class Fit(Protocol):
    """Lets a tokenizer learn by its own loop."""

    def __call__(self, tokenizer: SupportsFit, source: DataSource, session: Session, /) -> None:
        """Leave the tokenizer trained."""
        ...


@dataclass(frozen=True)
class TrainingData:
    """What a tokenizer was trained on: a digest over its fragments, and how many rows."""

    digest: str
    rows: int


@dataclass(frozen=True)
class PassResult:
    """The state over some fragments, how many rows they had, and which could not be read."""

    state: Any
    rows: int
    failed: Mapping[str, str]


@dataclass(frozen=True)
class PassTask:
    """One worker's share of one pass.

    With `tolerant`, a fragment that cannot be read to its end is left out as a whole, and named.
    """

    tokenizer: Trainable
    columns: Sequence[str]
    batch_rows: int
    tolerant: bool = False

    def __call__(self, fragments: Sequence[Fragment]) -> PassResult:
        """Give the state over these fragments."""
        state, rows, failed = None, 0, {}
        for fragment in fragments:
            try:
                batches: Iterable[pa.RecordBatch] = fragment.read(self.columns, self.batch_rows)
                if self.tolerant:
                    batches = list(batches)  # a fragment is small; half of one must not count
                    for batch in batches:
                        row_keys(batch)
            except DataError as error:
                if not self.tolerant:
                    raise
                failed[fragment.id] = str(error)
                continue
            try:
                for batch in batches:
                    state = self.tokenizer.update(state, batch, row_keys(batch))
                    rows += batch.num_rows
            except DataError as error:
                raise DataError(f"{fragment.id}: {error}") from error
        return PassResult(state, rows, failed)

    def merge(self, a: PassResult, b: PassResult) -> PassResult:
        """Give the result over the fragments of both."""
        states = [part.state for part in (a, b) if part.state is not None]
        state = self.tokenizer.merge(*states) if len(states) == 2 else next(iter(states), None)
        return PassResult(state, a.rows + b.rows, {**a.failed, **b.failed})


def reduce_here(task: Callable[[T], R], items: Sequence[T], merge: Callable[[R, R], R]) -> R:
    """Give what all results are merged into, one after another in this process."""
    return functools.reduce(merge, map(task, items))


def fit_here(tokenizer: SupportsFit, source: DataSource, session: Session) -> None:
    """Let a tokenizer learn in this process."""
    tokenizer.fit(source, session)


def train(
    tokenizer: Tokenizer,
    source: DataSource,
    session: Session | None = None,
    *,
    reduce: Reduce = reduce_here,
    fit: Fit = fit_here,
    workers: int = 1,
    batch_rows: int = 1 << 16,
    failed: dict[str, str] | None = None,
) -> TrainingData:
    """Train a tokenizer in place, in whichever way it supports.

    `reduce` and `fit` do the work elsewhere (on an engine's workers); the result does not depend
    on them. Where `failed` is given, fragments that cannot be read are left out and named there,
    by id.
    """
    if workers < 1 or batch_rows < 1:
        raise ConfigError(f"workers={workers}, batch_rows={batch_rows}: each has to be 1 or more")
    if isinstance(tokenizer, SupportsFit):
        return _fit(functools.partial(fit, tokenizer), source, session or Session(), failed)
    if not isinstance(tokenizer, SupportsMerge):
        raise ConfigError(
            f'the tokenizer "{tokenizer.name}" needs no training: everything is in its'
            " configuration; encode with it as it is"
        )
    columns = tokenizer.columns(source.schema)
    fragments = source.fragments()
    shares = [fragments[i::workers] for i in range(min(workers, len(fragments)))] or [()]
    while True:
        task = PassTask(tokenizer, columns, batch_rows, failed is not None)
        result = reduce(task, shares, task.merge)
        bad = result.failed
        if not result.rows and bad:
            first = next(iter(bad.items()))
            raise DataError(
                f"none of {len(bad)} fragments can be trained on: {first[0]}: {first[1]}"
            )
        again = tokenizer.finish(result.state)
        if failed is not None:
            failed.update(bad)
        if not again:
            return describe_training([f for f in fragments if f.id not in bad], result.rows)


def describe_training(fragments: Iterable[Fragment], rows: int) -> TrainingData:
    """Give the record of the data, independent of the order of its fragments."""
    digests = sorted(fragment.digest for fragment in fragments)
    return TrainingData(hashlib.sha256("".join(digests).encode()).hexdigest(), rows)


def _fit(
    fit: Callable[[DataSource, Session], None],
    source: DataSource,
    session: Session,
    failed: dict[str, str] | None,
) -> TrainingData:
    bad: dict[str, str] = {}
    if failed is None:
        fit(source, session)
    else:
        fit_readable(lambda readable: fit(readable, session), source, bad)
        failed.update(bad)
    kept = [fragment for fragment in source.fragments() if fragment.id not in bad]
    return describe_training(kept, rows_of(kept))
