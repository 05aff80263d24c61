"""Parquet files as a source: any number, any size, local or remote."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from annotated_types import Ge

from ._config import build_config, with_doc
from ._paths import expand, open_input, relative_names
from ._rows import id_column, mark, require
from .errors import DataError, MissingColumn

__all__ = ["ParquetConfig", "ParquetFragment", "ParquetSource"]


@dataclass(frozen=True)
class ParquetConfig:
    """Options of the `parquet` source."""

    path: str | tuple[str, ...] = with_doc("a file, folder, glob or URL, or a list of them")
    id: str | None = with_doc(
        "the id column; default: the first of id, gaia_source_id, source_id, else file:row", None
    )
    fragment_bytes: Annotated[int, Ge(1)] = with_doc(
        "row groups are joined or split to about this many uncompressed bytes", 64 << 20
    )


@dataclass(frozen=True)
class Part:
    """Rows `start` to `stop` of some neighbouring row groups of one file."""

    path: str
    name: str
    groups: tuple[int, ...]
    first_row: int  # of the groups, within the file
    start: int  # within the groups
    stop: int


@dataclass(frozen=True)
class ParquetFragment:
    """Parts of one or several files that are read, encoded and written together.

    A file whose footer cannot be read is a fragment too: reading it says why.
    """

    id: str
    digest: str
    parts: tuple[Part, ...]
    id_col: str | None
    broken: str = ""

    def read(self, columns: Sequence[str] | None, rows: int) -> Iterator[pa.RecordBatch]:
        """Batches of at most `rows` rows, streamed; a batch never spans two files."""
        if self.broken:
            raise DataError(self.broken)
        for part in self.parts:
            yield from _read_part(part, columns, rows, self.id_col)


class ParquetSource:
    """Rows of Parquet files, streamed; only the columns that are needed are read.

    >>> import pyarrow as pa, pyarrow.parquet as pq, tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> pq.write_table(pa.table({"g": [1.0, 2.0]}), folder / "a.parquet")
    >>> source = ParquetSource(path=str(folder))
    >>> [batch.to_pydict() for f in source.fragments() for batch in f.read(["g"], 100)]
    [{'g': [1.0, 2.0], 'source_row': ['a.parquet:0', 'a.parquet:1']}]
    """

    Config = ParquetConfig

    def __init__(self, config: ParquetConfig | None = None, /, **options: Any) -> None:
        self.config = config or build_config(ParquetConfig, options)

    @cached_property
    def _files(self) -> list[_File]:
        paths = expand(self.config.path)
        named = zip(paths, relative_names(paths), strict=True)
        return [_footer(path, name) for path, name in named]

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns of the first file that can be read."""
        for file in self._files:
            if file.schema is not None:
                return file.schema
        reasons = "; ".join(file.broken for file in self._files[:3])
        raise DataError(f"none of {len(self._files)} files can be read: {reasons}")

    def fragments(self) -> Sequence[ParquetFragment]:
        """Row groups, joined or split to about `fragment_bytes`; files in order of their names."""
        id_col = self.config.id or id_column(self.schema)
        out: list[ParquetFragment] = []
        pending: list[Part] = []
        room = self.config.fragment_bytes
        files = {file.path: file for file in self._files}
        for file in self._files:
            if file.broken:
                out += _fragment(pending, files, id_col)
                pending, room = [], self.config.fragment_bytes
                out.append(ParquetFragment(file.name, file.digest, (), id_col, file.broken))
                continue
            for part, size in _parts(file, self.config.fragment_bytes):
                if pending and size > room:
                    out += _fragment(pending, files, id_col)
                    pending, room = [], self.config.fragment_bytes
                pending.append(part)
                room -= size
        return out + _fragment(pending, files, id_col)


@dataclass(frozen=True)
class _File:
    path: str
    name: str
    digest: str
    schema: pa.Schema | None = None
    groups: tuple[tuple[int, int], ...] = field(default=())  # rows, bytes
    broken: str = ""


def _footer(path: str, name: str) -> _File:
    try:
        with open_input(path) as source:
            size = source.size() if hasattr(source, "size") else source.seek(0, 2)
            source.seek(0)
            metadata = pq.read_metadata(source)
            source.seek(max(0, size - metadata.serialized_size - 8))
            digest = hashlib.sha256(f"{size}:".encode() + source.read())
        groups = tuple(
            (metadata.row_group(i).num_rows, metadata.row_group(i).total_byte_size)
            for i in range(metadata.num_row_groups)
        )
        return _File(path, name, digest.hexdigest(), metadata.schema.to_arrow_schema(), groups)
    except (OSError, pa.ArrowException) as error:
        what = f"{path}: cannot be read as Parquet: {error}"
        return _File(path, name, hashlib.sha256(what.encode()).hexdigest(), broken=what)


def _parts(file: _File, target: int) -> Iterator[tuple[Part, int]]:
    first = 0
    for number, (rows, size) in enumerate(file.groups):
        pieces = min(max(1, rows), max(1, round(size / target)))
        bounds = np.linspace(0, rows, pieces + 1).astype(int).tolist()
        for start, stop in pairwise(bounds):
            yield Part(file.path, file.name, (number,), first, start, stop), size // pieces
        first += rows


def _fragment(
    parts: list[Part], files: dict[str, _File], id_col: str | None
) -> list[ParquetFragment]:
    if not parts:
        return []
    joined: list[Part] = []
    for part in parts:
        last = joined[-1] if joined else None
        # Neighbouring whole row groups of one file are read in one go.
        if last and last.path == part.path and part.start == 0 and last.stop == _rows(last, files):
            groups, stop = last.groups + part.groups, last.stop + part.stop
            joined[-1] = Part(part.path, part.name, groups, last.first_row, last.start, stop)
        else:
            joined.append(part)
    names = f"{_label(joined[0])}" + (f"..{_label(joined[-1])}" if len(joined) > 1 else "")
    total = hashlib.sha256()
    for part in joined:
        total.update(f"{files[part.path].digest}{part.groups}{part.start}:{part.stop};".encode())
    return [ParquetFragment(names, total.hexdigest(), tuple(joined), id_col)]


def _rows(part: Part, files: dict[str, _File]) -> int:
    return sum(files[part.path].groups[number][0] for number in part.groups)


def _label(part: Part) -> str:
    start = part.first_row + part.start
    return f"{posixpath.splitext(part.name)[0]}@{start}"


def _read_part(
    part: Part, columns: Sequence[str] | None, rows: int, id_col: str | None
) -> Iterator[pa.RecordBatch]:
    try:
        with open_input(part.path) as source, pq.ParquetFile(source) as file:
            wanted = _wanted(file.schema_arrow, part, columns, id_col)
            position = 0  # within the row groups
            for batch in file.iter_batches(rows, list(part.groups), wanted or None):
                end = position + batch.num_rows
                a, b = max(part.start, position), min(part.stop, end)
                if a < b:
                    rows_wanted = batch.slice(a - position, b - a).select(wanted)
                    yield _identified(rows_wanted, part, id_col, part.first_row + a)
                if end >= part.stop:
                    return
                position = end
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{part.path}: cannot be read: {error}") from error


def _wanted(
    schema: pa.Schema, part: Part, columns: Sequence[str] | None, id_col: str | None
) -> list[str]:
    wanted = list(schema.names if columns is None else columns)
    if id_col is not None and id_col not in wanted:
        wanted.append(id_col)
    try:
        require(schema, wanted)
    except MissingColumn as error:
        raise MissingColumn(f"{part.path}: {error}") from None
    return wanted


def _identified(
    batch: pa.RecordBatch, part: Part, id_col: str | None, first: int
) -> pa.RecordBatch:
    if id_col is None:
        id_col = "source_row"
        numbers = pa.array(np.arange(first, first + batch.num_rows)).cast(pa.string())
        ids = pc.binary_join_element_wise(pa.scalar(part.name), numbers, ":")
        columns = {**dict(zip(batch.schema.names, batch.columns, strict=True)), id_col: ids}
        batch = pa.RecordBatch.from_pydict(columns)
    return mark(batch, id_col=id_col, file=part.name)
