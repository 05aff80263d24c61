"""Lines of JSON as a source: one object a line, one row an object."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
from annotated_types import Ge, MinLen

from ._config import build_config, with_doc
from ._paths import expand, open_input, relative_names
from ._rows import id_column, mark, require
from .errors import DataError

__all__ = ["JsonlConfig", "JsonlFragment", "JsonlSource"]


@dataclass(frozen=True)
class JsonlConfig:
    """Options of the `jsonl` source."""

    path: str | Annotated[tuple[str, ...], MinLen(1)] = with_doc(
        "a file, folder, glob or URL, or a list of them"
    )
    id: str | None = with_doc(
        "the id column; default: the first of id, gaia_source_id, source_id, else file:line", None
    )
    fragment_bytes: Annotated[int, Ge(1)] = with_doc("files are split to about this size", 64 << 20)


@dataclass(frozen=True)
class JsonlFragment:
    """Some whole lines of one file. Every line has to fit the columns of the first file."""

    id: str
    digest: str
    path: str
    name: str
    start: int
    stop: int
    first_line: int
    schema: pa.Schema
    id_col: str | None

    def read(self, columns: Sequence[str] | None, rows: int) -> Iterator[pa.RecordBatch]:
        """Batches of at most `rows` rows; a key that a line lacks is null."""
        wanted = list(self.schema.names if columns is None else columns)
        require(self.schema, wanted)
        wanted += [self.id_col] if self.id_col is not None and self.id_col not in wanted else []
        with open_input(self.path) as file:
            file.seek(self.start)
            data = file.read(self.stop - self.start)
        table = _parse(data, self.schema, self.path, self.first_line)
        batches = table.combine_chunks().to_batches(max_chunksize=rows)
        position = self.first_line
        for batch in batches or [pa.RecordBatch.from_pylist([], self.schema)]:
            yield self._identified(batch.select(wanted), position)
            position += batch.num_rows

    def _identified(self, batch: pa.RecordBatch, first: int) -> pa.RecordBatch:
        if self.id_col is not None:
            return mark(batch, id_col=self.id_col, file=self.name)
        lines = pa.array(np.arange(first, first + batch.num_rows)).cast(pa.string())
        ids = pc.binary_join_element_wise(pa.scalar(self.name), lines, ":")
        batch = pa.RecordBatch.from_arrays(
            [*batch.columns, ids], schema=batch.schema.append(pa.field("source_row", pa.string()))
        )
        return mark(batch, id_col="source_row", file=self.name)


class JsonlSource:
    r"""Rows of .jsonl files; columns and their types are those of the first file's first lines.

    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "a.jsonl"
    >>> _ = file.write_text('{"id": 1, "g": 0.5}\n{"id": 2}\n')
    >>> source = JsonlSource(path=str(file))
    >>> [batch.to_pydict() for f in source.fragments() for batch in f.read(None, 100)]
    [{'id': [1, 2], 'g': [0.5, None]}]
    """

    Config = JsonlConfig

    def __init__(self, config: JsonlConfig | None = None, /, **options: Any) -> None:
        self.config = config or build_config(JsonlConfig, options)

    @cached_property
    def _paths(self) -> list[str]:
        return expand(self.config.path, ".jsonl")

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns of the first lines of the first file that has any."""
        problems = []
        for path in self._paths:
            with open_input(path) as file:
                head = file.read(1 << 20)
            try:
                return _parse(head[: head.rfind(b"\n") + 1] or head, None, path, 0).schema
            except DataError as error:
                problems.append(str(error))
        raise DataError(f"none of {len(problems)} files can be read: {problems[0]}")

    def fragments(self) -> Sequence[JsonlFragment]:
        """The files in order of their names, split at line ends to about `fragment_bytes`."""
        id_col = id_column(self.schema, self.config.id)
        return [
            fragment
            for path, name in zip(self._paths, relative_names(self._paths), strict=True)
            for fragment in self._split(path, name, id_col)
        ]

    def _split(self, path: str, name: str, id_col: str | None) -> Iterator[JsonlFragment]:
        start = line = 0
        for data in _pieces(path, self.config.fragment_bytes):
            yield JsonlFragment(
                id=f"{name}@{line}",
                digest=hashlib.sha256(data).hexdigest(),
                path=path,
                name=name,
                start=start,
                stop=start + len(data),
                first_line=line,
                schema=self.schema,
                id_col=id_col,
            )
            start += len(data)
            line += sum(bool(one.strip()) for one in data.split(b"\n"))


def _pieces(path: str, size: int) -> Iterator[bytes]:
    """Read a file in pieces of about this size that end with a line; an empty file is one."""
    with open_input(path) as file:
        rest, any_piece = b"", False
        while data := file.read(size):
            data = rest + data
            end = data.rfind(b"\n") + 1
            rest = data[end:]
            if end:
                any_piece = True
                yield data[:end]
        if rest or not any_piece:
            yield rest


def _parse(data: bytes, schema: pa.Schema | None, path: str, first: int) -> pa.Table:
    if not data.strip():
        if schema is None:
            raise DataError(f"{path}: it has no line; the first file says which columns there are")
        return schema.empty_table()
    options = pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    if schema is None:
        options = pj.ParseOptions()
    try:
        # One block: the reader would otherwise guess types anew for each.
        read = pj.ReadOptions(use_threads=False, block_size=len(data) + 1)
        table = pj.read_json(io.BytesIO(data), read, options)
    except pa.ArrowException as error:
        raise DataError(f"{path}: from line {first} on: {error}") from error
    return table if schema is None else table.select(schema.names)
