"""`train`: from a run file to trained tokenizers."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tokenry_core import BaseTokenizer, DataSource, Died, Engine, Session, SupportsTraining
from tokenry_core import train as train_tokenizer
from tokenry_core._training import fit_here
from tokenry_core._words import placed
from tokenry_core.errors import ConfigError, DataError

from ..config import Choice, RunConfig, load_config
from ._commit import made
from ._filtered import FilteredSource
from ._progress import Progress
from ._record import write_reference
from ._source import source_of
from ._summary import TrainSummary
from ._tokenizers import artifact_path, seeded

__all__ = ["train"]

T = TypeVar("T")
R = TypeVar("R")


def train(
    run: str | os.PathLike[str] | Mapping[str, Any] | RunConfig,
    *,
    progress: bool = False,
) -> TrainSummary:
    """Train every tokenizer of a run file that is trainable, and write its artifact.

    `run` is a path, or the same as a mapping.
    """
    config = load_config(run)
    if config.training_source is None:
        raise ConfigError("source: missing; say what to train on: {name: parquet, path: ...}")
    start = time.perf_counter()
    source = _source(config.training_source)
    made(Path(config.artifacts), "artifacts")  # before hours of training, not after
    artifacts, fingerprints, rows = {}, {}, 0
    failed: dict[str, str] = {}
    for key, tokenizer in _trainable(config):
        with placed(f"tokenizers.{key}"):
            tokenizer.training = _train(config, key, tokenizer, source, failed, progress)
        rows = max(rows, tokenizer.training.rows)
        path = tokenizer.save(artifact_path(config, key))
        write_reference(path, tokenizer, source)
        artifacts[key] = str(path)
        fingerprints[key] = tokenizer.fingerprint
    if not artifacts:
        raise ConfigError(
            "none of the tokenizers needs training: they are artifacts already, or have everything"
            " in their configuration; go on with `tokenry encode`"
        )
    reasons = tuple(f"{fragment}: {reason}" for fragment, reason in sorted(failed.items()))
    return TrainSummary(artifacts, fingerprints, rows, time.perf_counter() - start, reasons)


def _trainable(config: RunConfig) -> Iterator[tuple[str, BaseTokenizer[Any]]]:
    for key, choice in config.tokenizers.items():
        if choice.artifact is None:
            tokenizer = seeded(choice, config.seed).make()
            if not tokenizer.is_fitted:
                tokenizer.runtime = config.runtime
                yield key, tokenizer


def _train(
    config: RunConfig,
    key: str,
    tokenizer: BaseTokenizer[Any],
    source: DataSource,
    failed: dict[str, str],
    progress: bool,
) -> Any:
    engine: Engine = config.engine.make()
    with Progress(f"train {key}", None, progress, "parts of passes") as bar:
        session = Session(
            seed=config.seed,
            workdir=Path(config.artifacts, f"{key}.training"),
            device=config.runtime.device,
            threads=config.runtime.threads,
            event=bar.note,
        )

        return train_tokenizer(
            tokenizer,
            source,
            session,
            reduce=_Reduce(engine, bar),
            fit=engine.fit if isinstance(engine, SupportsTraining) else fit_here,
            workers=getattr(engine, "workers", 1),
            batch_rows=config.runtime.batch_rows,
            failed=failed if config.on_error == "quarantine" else None,
        )


@dataclass(frozen=True)
class _Reduce:
    """Merges results where the engine does, or else in this process."""

    engine: Engine
    bar: Progress

    def __call__(self, task: Callable[[T], R], items: Sequence[T], merge: Callable[[R, R], R]) -> R:
        if isinstance(self.engine, SupportsTraining):
            merged = self.engine.reduce(task, items, merge, self._done)
            result = _alive(merged)
        else:
            result = functools.reduce(merge, self._mapped(task, items))
        self.bar.advance(0, getattr(result, "rows", 0))
        return result

    def _mapped(self, task: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
        for item, outcome in self.engine.map(task, items):
            self._done(item)
            yield _alive(outcome)

    def _done(self, item: object) -> None:
        self.bar.advance(1, 0)


def _alive(outcome: R | Died) -> R:
    if isinstance(outcome, Died):
        raise DataError(f"a worker was lost: {outcome.reason}")
    return outcome


def _source(choice: Choice) -> DataSource:
    source = source_of(choice)
    return FilteredSource(source, choice.where) if choice.where else source
