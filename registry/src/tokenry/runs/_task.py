"""One fragment: read, filter, encode, write. What runs in a worker."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from tokenry_core import Fragment, Sink, TokenBatch, Tokenizer, batch_ids
from tokenry_core._ahead import ahead
from tokenry_core.errors import BadRows, ConfigError

from ..config import Where
from ._join import join, keep_rows, scatter
from ._tokenizers import TokenizerRef

__all__ = ["BadRow", "EncodeTask", "FragmentResult", "Job"]


@dataclass(frozen=True)
class Job:
    """A fragment, and the stem of the shard that it becomes."""

    stem: str
    fragment: Fragment


@dataclass(frozen=True)
class BadRow:
    """A row that was quarantined: its id, and why."""

    id: str
    reason: str


@dataclass
class FragmentResult:
    """What became of a fragment. `failed` is the reason why it was quarantined whole."""

    stem: str
    fragment: str
    digest: str
    files: list[tuple[str, int]] = field(default_factory=list)
    rows_in: int = 0
    rows_out: int = 0
    filtered: int = 0
    bad: list[BadRow] = field(default_factory=list)
    missing: list[BadRow] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    failed: str = ""
    partial: list[str] = field(default_factory=list)


class FragmentFailed(Exception):
    """Reading or encoding failed; carries the reason through the sink."""


@dataclass(frozen=True)
class EncodeTask:
    """Encodes one fragment with every tokenizer of a run.

    `mark` is a file that the run has made in the folder of its sink.

    Whatever goes wrong with the data ends in the result; what goes wrong in writing (a full disk)
    is an error of the run and is raised.
    """

    tokenizers: Sequence[TokenizerRef]
    columns: Sequence[str]
    where: Where | None
    sink: Sink
    provenance: Mapping[str, Any]
    batch_rows: int
    bad_rows: str
    mark: Path | None = None

    @property
    def heavy(self) -> bool:
        """Whether a tokenizer is one that a worker should load once and keep."""
        return any(ref.get().spec.heavy for ref in self.tokenizers)

    @property
    def device(self) -> str:
        """Where the tokenizers work."""
        return next((ref.runtime.device for ref in self.tokenizers), "cpu")

    def __call__(self, job: Job) -> FragmentResult:
        """Give what became of the fragment; its shard lies under its temporary name."""
        self._see()
        for ref in self.tokenizers:
            ref.get()  # one that cannot be loaded fails the run, and not this fragment's data
        result = FragmentResult(job.stem, job.fragment.id, job.fragment.digest)
        source = {"id": job.fragment.id, "digest": job.fragment.digest}
        provenance = {**self.provenance, "fragment": source}
        try:
            files = self.sink.write(job.stem, self._batches(job.fragment, result), provenance)
        except FragmentFailed as error:
            return FragmentResult(job.stem, result.fragment, result.digest, failed=str(error))
        for file in files:
            _sync(file)
        result.partial = [os.fspath(file) for file in files]
        return result

    def _see(self) -> None:
        """Find the run's folder; a worker on another machine may not see the driver's files."""
        if self.mark is not None and not self.mark.exists():
            raise ConfigError(
                f"{self.mark.absolute()}: not to be seen on {platform.node()}, where a worker is;"
                " source, artifacts and sink have to lie on a file system that every machine has"
                " under the same path"
            )

    def _batches(self, fragment: Fragment, result: FragmentResult) -> Iterator[TokenBatch]:
        totals: Counter[str] = Counter()
        try:
            for tokens in self._encoded(fragment, result):
                result.rows_out += tokens.rows
                totals.update(tokens.counts)
                yield tokens
        except Exception as error:
            # A plugin may raise anything on damaged data; the reason is kept, nothing is lost.
            raise FragmentFailed(f"{type(error).__name__}: {error}") from error
        result.counts = dict(sorted(totals.items()))

    def _encoded(self, fragment: Fragment, result: FragmentResult) -> Iterator[TokenBatch]:
        schema: pa.Schema | None = None
        read = fragment.read(self.columns, self.batch_rows)
        for batch in ahead(read) if self.heavy else read:
            schema = batch.schema
            result.rows_in += batch.num_rows
            if self.where is not None:
                kept = self.where(batch)
                result.filtered += batch.num_rows - kept.num_rows
                batch = kept
            if batch.num_rows:
                yield self._encode(batch, result)
        if result.rows_out == 0 and schema is not None:
            # A shard without rows still says which fields it would have.
            yield self._encode(pa.RecordBatch.from_pylist([], schema), result)

    def _encode(self, batch: pa.RecordBatch, result: FragmentResult) -> TokenBatch:
        batch = _with_ids(batch, result)
        ids, _ = batch_ids(batch)
        encoded: dict[str, TokenBatch] = {}
        bad: dict[int, list[str]] = {}
        for ref in self.tokenizers:
            tokens, own = encode_good(ref.get(), batch)
            for row, reason in own.items():
                bad.setdefault(row, []).append(f"{ref.key}: {reason}")
            encoded[ref.key] = tokens
        rows = [BadRow(str(ids[row]), "; ".join(reasons)) for row, reasons in sorted(bad.items())]
        if self.bad_rows == "missing":
            result.missing += rows
            return join(encoded)
        result.bad += rows
        keep = keep_rows(batch.num_rows, bad)
        return join(
            {key: tokens.select(keep) if bad else tokens for key, tokens in encoded.items()}
        )


def encode_good(tokenizer: Tokenizer, batch: pa.RecordBatch) -> tuple[TokenBatch, dict[int, str]]:
    """Encode every row that can be; the others become missing, and are named."""
    try:
        return tokenizer.encode(batch), {}
    except BadRows as error:
        bad = dict(error.rows)
    while True:
        good = keep_rows(batch.num_rows, bad)
        places = good.nonzero()[0]
        try:
            tokens = tokenizer.encode(batch.filter(pa.array(good)))
        except BadRows as error:  # a tokenizer may name its bad rows bit by bit
            more = {int(places[row]): reason for row, reason in error.rows.items()}
            if not more:
                raise
            bad.update(more)
            continue
        return scatter(tokens, good, batch_ids(batch)[0]), bad


def _with_ids(batch: pa.RecordBatch, result: FragmentResult) -> pa.RecordBatch:
    ids, name = batch_ids(batch)
    if not ids.null_count:
        return batch
    result.bad += [BadRow("null", f'the id column "{name}" is null')] * ids.null_count
    return batch.filter(ids.is_valid())


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
