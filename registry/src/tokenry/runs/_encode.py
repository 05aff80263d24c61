"""`encode`: from a run file to token shards, surviving anything."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from tokenry_core import DataSource, Died
from tokenry_core._words import placed
from tokenry_core.errors import ConfigError, DataError, TokenryError

from ..config import Choice, RunConfig, load_config
from ._commit import commit, is_whole, made, remove_leftovers
from ._engine import LocalEngine
from ._hooks import Hooks
from ._identity import fragments_of, identity_of, provenance_of
from ._journal import JOURNAL, Journal, read_journal
from ._lock import locked
from ._manifest import compare, write_manifest
from ._progress import Progress
from ._record import write_record
from ._source import source_of
from ._summary import EncodeSummary, summarize
from ._task import EncodeTask, FragmentResult, Job
from ._tokenizers import TokenizerRef, tokenizers_of

__all__ = ["encode"]


def encode(
    run: str | os.PathLike[str] | Mapping[str, Any] | RunConfig,
    *,
    overwrite: bool = False,
    progress: bool = False,
) -> EncodeSummary:
    """Encode what a run file says, or go on where an earlier, interrupted run stopped.

    `run` is a path, or the same as a mapping. Gives the numbers of the whole run; its
    `exit_code` is 1 when anything was quarantined. `overwrite` starts anew; `progress` shows on
    stderr how far it is.
    """
    config = load_config(run)
    if config.source is None:
        raise ConfigError(
            "source: missing; say where the rows come from: {name: parquet, path: ...}"
        )
    start = time.perf_counter()
    tokenizers = tokenizers_of(config)
    source = source_of(config.source)
    task = _task(config, tokenizers, source)
    with placed("source"):
        jobs = fragments_of(source)
    folder = _folder(config.sink)
    if folder:
        _apart(folder, config.source)
        task = replace(task, mark=folder / JOURNAL)
    hooks = Hooks()
    with locked(folder) if folder else nullcontext():
        identity = identity_of(config, tokenizers, jobs)
        finished = _resume(folder, identity, overwrite) if folder else {}
        todo = [job for job in jobs if job.stem not in finished]
        hooks.call("run_started", run=config, fragments=len(todo))
        try:
            results = dict(finished)
            with Progress("encode", len(todo), progress) as bar:
                for result in _work(config, task, todo, folder, finished):
                    results[result.stem] = result
                    hooks.call("fragment_done", run=config, result=result)
                    bar.advance(1, result.rows_in, sum(size for _, size in result.files))
            if folder:
                remove_leftovers(folder)  # of fragments that failed half-way
                write_manifest(folder, identity, results.values())
        except BaseException as error:
            hooks.call("run_failed", run=config, error=error)
            raise
    seconds = time.perf_counter() - start
    summary = summarize(str(folder or "memory"), results.values(), len(finished), seconds)
    summary = replace(summary, sink=task.sink)
    if folder:
        write_record(folder, config, tokenizers, summary)
    hooks.call("run_finished", run=config, summary=summary)
    return summary


def _task(config: RunConfig, refs: list[TokenizerRef], source: DataSource) -> EncodeTask:
    assert config.source is not None
    where = config.source.where
    columns: dict[str, None] = {}
    for ref in refs:
        with placed(f"tokenizers.{ref.key}"):
            columns.update(dict.fromkeys(ref.get().columns(source.schema)))
    if where is not None:
        columns.update(dict.fromkeys(sorted(where.columns)))
    return EncodeTask(
        tokenizers=refs,
        columns=list(columns),
        where=where,
        sink=config.sink.make(),
        provenance=provenance_of(refs),
        batch_rows=config.runtime.batch_rows,
        bad_rows=config.bad_rows,
    )


def _folder(sink: Choice) -> Path | None:
    path = sink.options.get("path")
    if path is None:
        return None
    folder = Path(path)
    made(folder, "sink.path")
    return folder


def _apart(folder: Path, source: Choice) -> None:
    """Refuse to write into a folder that is read from: the next run would read its own shards."""
    given = getattr(source.config, "path", ())
    for path in (given,) if isinstance(given, str) else given:
        if Path(path).is_dir() and Path(path).resolve() in (
            folder.resolve(),
            *folder.resolve().parents,
        ):
            raise ConfigError(
                f"sink.path: {folder} lies inside the folder that the source reads, {path}; write"
                " the tokens beside it"
            )


def _resume(
    folder: Path, identity: Mapping[str, Any], overwrite: bool
) -> dict[str, FragmentResult]:
    """Give what is finished already; leave the folder ready for the rest."""
    if overwrite:
        _clear(folder)
    there, finished = read_journal(folder)
    if there is not None:
        compare(folder, there, identity)
        remove_leftovers(folder)
        return {stem: result for stem, result in finished.items() if is_whole(folder, result)}
    foreign = [path.name for path in folder.iterdir() if path.name not in (".lock", JOURNAL)]
    if foreign:
        raise ConfigError(
            f"sink.path: {folder} is not empty, and no run of Tokenry: it holds"
            f" {', '.join(foreign[:3])}. Encode into a folder of its own"
        )
    with closing(Journal(folder)) as journal:
        journal.start(identity)
    return {}


def _clear(folder: Path) -> None:
    if not (folder / JOURNAL).exists():
        return
    # The journal goes last: stopped half-way, the folder is still known to be a run's.
    for path in sorted(folder.iterdir(), key=lambda path: path.name == JOURNAL):
        if path.name == ".lock":
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _work(
    config: RunConfig,
    task: EncodeTask,
    todo: list[Job],
    folder: Path | None,
    finished: Mapping[str, FragmentResult],
) -> Iterator[FragmentResult]:
    # What a sink keeps in memory has to be kept in this process.
    engine = config.engine.make() if folder else LocalEngine(mode="serial")
    owners = {name: r.stem for r in finished.values() for name, _ in r.files}
    with closing(Journal(folder)) if folder else nullcontext() as journal:
        try:
            for job, outcome in engine.map(task, todo):
                result = _outcome(job, outcome)
                if result.failed and config.on_error == "fail":
                    raise DataError(
                        f"{result.fragment}: {result.failed}. The run stops because on_error is"
                        ' "fail". Mend what it was made of and run again with --overwrite, or set'
                        ' on_error to "quarantine" and go on'
                    )
                if journal and folder:
                    commit(folder, result, owners)
                    journal.add(result)
                yield result
        except OSError as error:
            raise TokenryError(
                f"the tokens cannot be written: {error}. Nothing that was finished is lost: make"
                " room, or mend the cause, and run the same again"
            ) from error


def _outcome(job: Job, outcome: FragmentResult | Died) -> FragmentResult:
    if isinstance(outcome, Died):
        return FragmentResult(job.stem, job.fragment.id, job.fragment.digest, failed=outcome.reason)
    return outcome
