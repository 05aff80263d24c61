"""Tokenizers on Ray datasets, and Ray datasets of tokens."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import ray.data
from ray import cloudpickle

import tokenry
from tokenry.runs import read_shard
from tokenry.runs._commit import is_whole
from tokenry.runs._join import keep_rows
from tokenry.runs._journal import read_journal
from tokenry.runs._manifest import MANIFEST
from tokenry.runs._task import encode_good
from tokenry_core import BaseTokenizer, TokenBatch, mark
from tokenry_core.errors import DataError, NotTrained

from ._config import RayConfig

__all__ = ["map_batches", "read_tokens"]

BadRowsPolicy = Literal["fail", "drop", "missing"]


def map_batches(
    dataset: Any,
    tokenizer: BaseTokenizer[Any] | str | os.PathLike[str],
    *,
    id: str | None = None,  # noqa: A002
    bad_rows: BadRowsPolicy = "fail",
    batch_size: int | None = None,
    workers: int | None = None,
    cpus_per_worker: float = 1.0,
    gpus_per_worker: float | None = None,
) -> Any:
    """Give a Ray dataset of the tokens of another one's rows: ids, and a column for each field.

    The tokenizer is a trained one, or the path of an artifact. One that has a model is loaded once
    in each of `workers` actors; a light one runs in tasks. `id` names the id column where it is
    none of the known ones; `bad_rows` says what becomes of rows that cannot be encoded.
    """
    if not isinstance(tokenizer, BaseTokenizer):
        tokenizer = tokenry.load(tokenizer)
    if not tokenizer.is_fitted:
        raise NotTrained(
            f'the tokenizer "{tokenizer.name}" is not trained; train it, or give an artifact'
        )
    config = RayConfig(cpus_per_worker=cpus_per_worker, gpus_per_worker=gpus_per_worker)
    needs = config.needs(tokenizer.runtime.device)
    given = (cloudpickle.dumps(tokenizer), id, bad_rows)
    how = {"batch_format": "pyarrow", "batch_size": batch_size, **needs}
    if tokenizer.spec.heavy or "num_gpus" in needs:
        pool = ray.data.ActorPoolStrategy(size=workers or 1)
        return dataset.map_batches(_Encode, fn_constructor_args=given, compute=pool, **how)
    return dataset.map_batches(_Encode(*given).__call__, concurrency=workers, **how)


def read_tokens(folder: str | os.PathLike[str], *, fields: Sequence[str] | None = None) -> Any:
    """Give a Ray dataset of a token folder: ids, and a column for each field (or for `fields`).

    Only shards that are finished are read; the run that writes them may still be going on.
    Rectangular fields are tensors, ragged ones tensors of variable shape.
    """
    shards = [{"shard": os.path.abspath(path)} for path in _shards(Path(folder))]
    read = _Read(None if fields is None else tuple(fields))
    return ray.data.from_items(shards).map_batches(read.__call__, batch_size=1)


class _Encode:
    """Encodes batches; the tokenizer is made once in each worker."""

    def __init__(self, packed: bytes, id_col: str | None, bad_rows: BadRowsPolicy) -> None:
        self._packed, self._id_col, self._bad_rows = packed, id_col, bad_rows

    def __call__(self, table: pa.Table) -> Mapping[str, Any]:
        """Give the columns of the tokens of a batch."""
        tokenizer = _unpacked(self._packed)
        batches = table.combine_chunks().to_batches()
        batch = batches[0] if batches else pa.RecordBatch.from_pylist([], table.schema)
        batch = mark(batch, id_col=self._id_col)
        if self._bad_rows == "fail":
            return _columns(tokenizer.encode(batch))
        tokens, bad = encode_good(tokenizer, batch)
        if bad and self._bad_rows == "drop":
            tokens = tokens.select(keep_rows(batch.num_rows, bad))
        return _columns(tokens)


class _Read:
    """Reads a shard."""

    def __init__(self, fields: tuple[str, ...] | None) -> None:
        self._fields = fields

    def __call__(self, batch: Mapping[str, Any]) -> Mapping[str, Any]:
        """Give the columns of the tokens of a shard."""
        (path,) = batch["shard"]
        return _columns(read_shard(Path(path)), self._fields)


@lru_cache(maxsize=2)
def _unpacked(packed: bytes) -> BaseTokenizer[Any]:
    tokenizer: BaseTokenizer[Any] = cloudpickle.loads(packed)
    return tokenizer


def _columns(tokens: TokenBatch, names: Sequence[str] | None = None) -> dict[str, Any]:
    """Give ids and fields as arrays: Ray makes tensors of them."""
    columns: dict[str, Any] = {tokens.id_col: tokens.ids.to_numpy(zero_copy_only=False)}
    for name in tokens.fields if names is None else names:
        values, indptr = tokens.fields[name]
        if indptr is not None:
            parts = np.empty(tokens.rows, object)
            parts[:] = np.split(values, indptr[1:-1])
            values = parts
        columns[name] = values
    return columns


def _shards(folder: Path) -> list[Path]:
    if (folder / MANIFEST).exists():
        return tokenry.open_tokens(folder).shards
    run, finished = read_journal(folder)
    if run is None:
        raise DataError(f"{folder} holds no run of Tokenry; encode into it first")
    return [
        folder / name
        for _, result in sorted(finished.items())
        if result.rows_out and is_whole(folder, result)
        for name, _ in result.files
    ]
