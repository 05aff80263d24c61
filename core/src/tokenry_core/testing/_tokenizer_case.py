"""TokenizerCase: all that the kit needs to know of a tokenizer."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from tokenry_core import (
    ArrowSource,
    Session,
    SupportsFit,
    SupportsMerge,
    as_table,
    batch_ids,
    mark,
    train,
)

from ._promises import expect, promised

__all__ = ["TokenizerCase"]


@dataclass
class TokenizerCase:
    """An untrained tokenizer and rows that it can encode.

    `rows` and `bad_rows` are anything that holds columns (a table, a DataFrame, a dict): at
    least eight valid rows, as varied as the real ones, missing values included; and rows that
    cannot be encoded, where there are such. `training` is what to train on where `rows` are too
    few. `many` rows (the given ones, repeated) are encoded to compare batch sizes: lower it where
    a model makes that slow. `decode_error(rows, decoded)` is for a tokenizer that decodes with a
    loss: a number that says how far decoded values are from the rows, the less the nearer. Then
    they need not encode to the same tokens again, nor be of the columns that encoding reads.
    """

    tokenizer: Any
    rows: Any
    bad_rows: Any = None
    training: Any = None
    session: Session = field(default_factory=Session)
    many: int = 1000
    decode_error: Callable[[pa.RecordBatch, pa.RecordBatch], float] | None = None

    @cached_property
    def batch(self) -> pa.RecordBatch:
        """All rows, with an id column."""
        batch = _one_batch(self.rows)
        expect(
            batch.num_rows >= 8,
            "a case has at least eight rows",
            f"{batch.num_rows} rows",
            "testing.TokenizerCase",
        )
        return batch

    @cached_property
    def training_batch(self) -> pa.RecordBatch:
        """All rows to train on."""
        return self.batch if self.training is None else _one_batch(self.training)

    @cached_property
    def bad_batch(self) -> pa.RecordBatch | None:
        """Rows that cannot be encoded, with the columns of `batch`."""
        if self.bad_rows is None:
            return None
        table, schema = as_table(self.bad_rows), self.batch.schema
        for name in schema.names:
            if name not in table.schema.names:
                table = table.append_column(name, pa.nulls(table.num_rows, schema.field(name).type))
        with promised("bad_rows have the columns of rows", "testing.TokenizerCase"):
            return _joined([table.select(schema.names).cast(schema)], schema)

    @property
    def trains(self) -> bool:
        """Whether the tokenizer has anything to learn."""
        return self.has(SupportsMerge) or self.has(SupportsFit)

    def has(self, ability: type) -> bool:
        """Whether the tokenizer has an optional ability: one of the `Supports` protocols."""
        return isinstance(self.tokenizer, ability)

    def fresh(self) -> Any:
        """Give an untrained tokenizer of its own."""
        with promised("a tokenizer can be copied", "Tokenizer"):
            return copy.deepcopy(self.tokenizer)

    def trained(self) -> Any:
        """Give a newly trained tokenizer."""
        tokenizer = self.fresh()
        if self.trains:
            with promised("a tokenizer trains on the rows of its case", "train"):
                tokenizer.training = train(
                    tokenizer, ArrowSource(self.training_batch), self.session
                )
        return tokenizer

    @cached_property
    def fitted(self) -> Any:
        """A trained tokenizer, the same one each time: checks do not change it."""
        return self.trained()

    @cached_property
    def tokens(self) -> Any:
        """What `fitted` makes of `batch`."""
        with promised("a tokenizer encodes the rows of its case", "Tokenizer.encode"):
            return self.fitted.encode(self.batch)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the tokenizer reads, other than the ids."""
        with promised("columns(schema) names the columns that are read", "Tokenizer.columns"):
            names = self.fitted.columns(self.batch.schema)
        return tuple(name for name in names if name != batch_ids(self.batch)[1])

    @cached_property
    def origin(self) -> np.ndarray[Any, Any]:
        """For each of the many rows, the number of the given row that it repeats."""
        repeated = np.arange(self.many) % self.batch.num_rows
        return np.random.default_rng(0).permutation(repeated)

    @cached_property
    def many_rows(self) -> pa.RecordBatch:
        """The given rows, repeated in no order, each with an id of its own."""
        batch = self.batch.take(pa.array(self.origin))
        return with_ids(batch, np.random.default_rng(1).permutation(self.many))


def with_ids(batch: pa.RecordBatch, numbers: Any) -> pa.RecordBatch:
    """Give the batch with other ids, of the type that it has where that holds them."""
    ids, name = batch_ids(batch)
    new = pa.array(np.asarray(numbers, np.int64))
    if pa.types.is_integer(ids.type):
        try:
            new = new.cast(ids.type)
        except pa.ArrowInvalid:
            new = new.cast(pa.int64())
    else:
        new = new.cast(pa.string()).cast(ids.type)
    return with_column(batch, name, new)


def with_column(batch: pa.RecordBatch, name: str, column: Any) -> pa.RecordBatch:
    """Give the batch with one column replaced; the schema's metadata stays."""
    position = batch.schema.names.index(name)
    columns = [column if i == position else old for i, old in enumerate(batch.columns)]
    fields = list(batch.schema)
    fields[position] = pa.field(name, column.type)
    schema = pa.schema(fields, metadata=batch.schema.metadata)
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    """Give the rows of several batches of one schema as one."""
    return _joined([pa.Table.from_batches([batch]) for batch in batches], batches[0].schema)


def _joined(tables: list[pa.Table], schema: pa.Schema) -> pa.RecordBatch:
    table = pa.concat_tables(tables).combine_chunks()
    if not table.num_rows:
        return pa.RecordBatch.from_pylist([], schema)
    (batch,) = table.to_batches()
    return batch.replace_schema_metadata(schema.metadata)


def _one_batch(rows: Any) -> pa.RecordBatch:
    source = ArrowSource(rows)
    table = source.table
    schema = pa.schema(list(table.schema), metadata=table.schema.metadata)
    return mark(_joined([table], schema), id_col=source.id_col)
