"""Rows that are already in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from ._rows import id_column, mark, require
from .errors import ConfigError, DataError

__all__ = ["ArrowFragment", "ArrowSource", "as_table"]


def as_table(data: Any) -> pa.Table:
    """Give an Arrow table of anything that holds columns.

    A Table, RecordBatch or reader, a dict of arrays, a pandas or polars frame, a Hugging Face
    dataset, or whatever else speaks the Arrow PyCapsule interface.

    >>> as_table({"id": [1, 2]}).num_rows
    2
    """
    try:
        table = _table(data)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DataError(f"the given {_kind(data)} is no table: {error}") from error
    if table is None:
        raise DataError(
            f"a {_kind(data)} was given; allowed are a path, glob or list of paths, an Arrow Table"
            " or RecordBatch, a DataFrame, a dict of columns, or a DataSource"
        )
    return table


def _table(data: Any) -> pa.Table | None:
    if isinstance(data, pa.Table):
        return data
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    if isinstance(data, pa.RecordBatchReader):
        return data.read_all()
    if isinstance(data, Mapping):
        return pa.table(dict(data))
    if type(data).__module__.partition(".")[0] == "pandas" and hasattr(data, "columns"):
        # A named index is a column that pandas has put aside: often the ids.
        named = [name for name in data.index.names if name not in (None, *data.columns)]
        return pa.Table.from_pandas(data, preserve_index=bool(named))
    if hasattr(data, "__arrow_c_stream__"):
        return pa.table(data)
    if hasattr(data, "__arrow_c_array__"):
        return pa.Table.from_batches([pa.record_batch(data)])
    if hasattr(data, "with_format") and hasattr(data, "data"):  # a Hugging Face dataset
        return data.with_format("arrow")[:]
    return None


def _kind(data: Any) -> str:
    module, name = type(data).__module__, type(data).__qualname__
    return name if module == "builtins" else f"{module}.{name}"


@dataclass(frozen=True)
class ArrowFragment:
    """Some rows of a table in memory."""

    id: str
    table: pa.Table
    id_col: str | None

    @property
    def digest(self) -> str:
        """SHA-256 of the rows in Arrow's stream format."""
        total = hashlib.sha256()
        # Joined with nothing, the rows are copied: a slice would bring bits of its neighbours.
        rows = pa.concat_tables([self.table, self.table.slice(0, 0)]).combine_chunks()
        _write_stream(rows, pa.PythonFile(_Hashing(total), "w"))
        return total.hexdigest()

    def __reduce__(self) -> tuple[Any, ...]:
        # Arrow would pickle the whole table that this one is a slice of.
        sink = pa.BufferOutputStream()
        _write_stream(self.table, sink)
        return _unpickled, (self.id, sink.getvalue(), self.id_col)

    def read(self, columns: Sequence[str] | None, rows: int) -> Iterator[pa.RecordBatch]:
        """Batches of at most `rows` rows, sharing memory with the table."""
        table = self.table
        if columns is not None:
            require(table.schema, list(columns))
            keep = [*columns, *([self.id_col] if self.id_col not in (None, *columns) else [])]
            table = table.select(keep)
        batches = table.combine_chunks().to_batches(max_chunksize=rows)
        for batch in batches or [pa.RecordBatch.from_pylist([], table.schema)]:
            yield mark(batch, id_col=self.id_col)


class ArrowSource:
    """A source over a table in memory; fragments are runs of `fragment_rows` rows.

    >>> source = ArrowSource({"id": [1, 2, 3], "g": [0.1, 0.2, 0.3]}, fragment_rows=2)
    >>> [fragment.id for fragment in source.fragments()]
    ['rows-0', 'rows-2']
    """

    def __init__(self, data: Any, *, id: str | None = None, fragment_rows: int = 1 << 18) -> None:  # noqa: A002
        self.table = as_table(data)
        self.id_col = id_column(self.table.schema, id)
        if fragment_rows < 1:
            raise ConfigError(f"fragment_rows: {fragment_rows} was given; allowed is at least 1")
        self.fragment_rows = fragment_rows
        if self.id_col is None:
            self.table, self.id_col = _numbered(self.table)

    @property
    def schema(self) -> pa.Schema:
        """The columns there are."""
        return self.table.schema

    def fragments(self) -> Sequence[ArrowFragment]:
        """The table in parts of `fragment_rows` rows."""
        starts = range(0, max(1, self.table.num_rows), self.fragment_rows)
        return [
            ArrowFragment(f"rows-{a}", self.table.slice(a, self.fragment_rows), self.id_col)
            for a in starts
        ]


def _numbered(table: pa.Table) -> tuple[pa.Table, str]:
    """Add row numbers as ids, under a name that is free."""
    name = "row"
    while name in table.schema.names:
        name += "_"
    return table.add_column(0, name, pa.array(np.arange(table.num_rows))), name


def _write_stream(table: pa.Table, sink: Any) -> None:
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)


def _unpickled(name: str, stream: pa.Buffer, id_col: str | None) -> ArrowFragment:
    return ArrowFragment(name, pa.ipc.open_stream(stream).read_all(), id_col)


class _Hashing:
    """A file that only remembers what was written to it."""

    closed = False

    def __init__(self, total: Any) -> None:
        self.total = total

    def write(self, data: Any) -> int:
        self.total.update(data)
        return len(data)

    def flush(self) -> None: ...

    def close(self) -> None: ...
