"""Training: passes of mergeable states, or a loop of the tokenizer's own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from ._protocols import DataSource, Fragment, Session, SupportsFit, SupportsMerge, Tokenizer
from ._rows import row_keys
from .errors import ConfigError

__all__ = ["PassTask", "TrainingData", "describe_training", "train"]

T = TypeVar("T")
R = TypeVar("R")


class Trainable(Tokenizer, SupportsMerge[Any], Protocol):
    """A tokenizer that trains by passes."""


class Map(Protocol):
    """Runs a task over items and gives the results in any order."""

    def __call__(self, task: Callable[[T], R], items: Iterable[T]) -> Iterable[R]:
        """Give the results as they come."""
        ...


@dataclass(frozen=True)
class TrainingData:
    """What a tokenizer was trained on: a digest over its fragments, and how many rows."""

    digest: str
    rows: int


@dataclass(frozen=True)
class PassTask:
    """One worker's share of one pass: the state of its fragments, and how many rows they had."""

    tokenizer: Trainable
    columns: Sequence[str]
    batch_rows: int

    def __call__(self, fragments: Sequence[Fragment]) -> tuple[Any, int]:
        """Give the state over these fragments and the number of rows."""
        state, rows = None, 0
        for fragment in fragments:
            for batch in fragment.read(self.columns, self.batch_rows):
                state = self.tokenizer.update(state, batch, row_keys(batch))
                rows += batch.num_rows
        return state, rows


def train(
    tokenizer: Tokenizer,
    source: DataSource,
    session: Session | None = None,
    *,
    run: Map | None = None,
    workers: int = 1,
    batch_rows: int = 1 << 16,
) -> TrainingData:
    """Train a tokenizer in place, in whichever way it supports.

    `run` does the work elsewhere (an engine's workers); the result does not depend on it.
    """
    if isinstance(tokenizer, SupportsFit):
        tokenizer.fit(source, session or Session())
        return describe_training(source.fragments(), sum(_count(source)))
    if not isinstance(tokenizer, SupportsMerge):
        raise ConfigError(
            f'the tokenizer "{tokenizer.name}" needs no training: everything is in its'
            " configuration; encode with it as it is"
        )
    fragments = source.fragments()
    shares = [fragments[i::workers] for i in range(workers) if fragments[i::workers]]
    while True:
        task = PassTask(tokenizer, tokenizer.columns(source.schema), batch_rows)
        state, rows = None, 0
        for part, count in (run or map)(task, shares):
            rows += count
            if part is not None:
                state = part if state is None else tokenizer.merge(state, part)
        if not tokenizer.finish(state):
            return describe_training(fragments, rows)


def describe_training(fragments: Iterable[Fragment], rows: int) -> TrainingData:
    """Give the record of the data, independent of the order of its fragments."""
    digests = sorted(fragment.digest for fragment in fragments)
    return TrainingData(hashlib.sha256("".join(digests).encode()).hexdigest(), rows)


def _count(source: DataSource) -> Iterator[int]:
    for fragment in source.fragments():
        yield from (batch.num_rows for batch in fragment.read([], 1 << 16))
