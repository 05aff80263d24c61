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
from annotated_types import Ge, MinLen

from ._config import build_config, with_doc
from ._paths import expand, open_input, relative_names
from ._rows import id_column, mark, require
from .errors import DataError, MissingColumn

__all__ = ["ParquetConfig", "ParquetFragment", "ParquetSource"]

_BUFFER = 1 << 20
_LARGE, _PIECE = 64 << 20, 256 << 20


@dataclass(frozen=True)
class ParquetConfig:
    """Options of the `parquet` source."""

    path: str | Annotated[tuple[str, ...], MinLen(1)] = with_doc(
        "a file, folder, glob or URL, or a list of them"
    )
    id: str | None = with_doc(
        "the id column; default: the first of id, gaia_source_id, source_id, else file:row", None
    )
    fragment_bytes: Annotated[int, Ge(1)] = with_doc(
        "row groups are joined or split to about this size, uncompressed; large ones in at most 8",
        64 << 20,
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

    A file whose footer cannot be read is a fragment too: reading it says why. The digest covers
    the footers (schema, sizes, statistics) and which rows are meant, not every byte of the data.
    """

    id: str
    digest: str
    parts: tuple[Part, ...]
    id_col: str | None
    broken: str = ""
    row_col: str = "source_row"  # made where there is no id column

    def read(self, columns: Sequence[str] | None, rows: int) -> Iterator[pa.RecordBatch]:
        """Batches of at most `rows` rows, streamed; a batch never spans two files."""
        if self.broken:
            raise DataError(self.broken)
        for part in self.parts:
            yield from _read_part(self, part, columns, rows)


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
        names = relative_names(paths)
        labels = [posixpath.splitext(name)[0] for name in names]
        if len(set(labels)) < len(labels):  # x.parquet beside x.pq
            labels = names
        return [_footer(*each) for each in zip(paths, names, labels, strict=True)]

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
        ids = self._id_columns()
        out: list[ParquetFragment] = []
        pending: list[Part] = []
        room = self.config.fragment_bytes
        files = {file.path: file for file in self._files}
        for file in self._files:
            if file.broken:
                out += _fragment(pending, files, ids)
                pending, room = [], self.config.fragment_bytes
                out.append(ParquetFragment(file.name, file.digest, (), ids[0], file.broken))
                continue
            if pending and files[pending[-1].path].schema != file.schema:
                # A file that turns out to lack a column must not take its neighbours with it.
                out += _fragment(pending, files, ids)
                pending, room = [], self.config.fragment_bytes
            for part, size in _parts(file, self.config.fragment_bytes):
                if pending and size > room:
                    out += _fragment(pending, files, ids)
                    pending, room = [], self.config.fragment_bytes
                pending.append(part)
                room -= size
        return out + _fragment(pending, files, ids)

    def _id_columns(self) -> tuple[str | None, str]:
        """Give the id column, and a free name for the one that stands in where there is none."""
        taken = {
            name for file in self._files if file.schema is not None for name in file.schema.names
        }
        row_col = "source_row"
        while row_col in taken:
            row_col += "_"
        return self.config.id or id_column(self.schema), row_col


@dataclass(frozen=True)
class _File:
    path: str
    name: str
    label: str
    digest: str
    schema: pa.Schema | None = None
    groups: tuple[tuple[int, int], ...] = field(default=())  # rows, bytes
    broken: str = ""


def _footer(path: str, name: str, label: str) -> _File:
    try:
        with open_input(path) as source, pq.ParquetFile(source, pre_buffer=False) as file:
            metadata, schema = file.metadata, file.schema_arrow
            size = source.seek(0, 2)
            source.seek(max(0, size - metadata.serialized_size - 8))
            digest = hashlib.sha256(f"{size}:".encode() + source.read())
        groups = tuple(
            (metadata.row_group(i).num_rows, metadata.row_group(i).total_byte_size)
            for i in range(metadata.num_row_groups)
        )
        return _File(path, name, label, digest.hexdigest(), schema, groups)
    except (OSError, pa.ArrowException, UnicodeError) as error:
        what = f"{path}: cannot be read as Parquet: {error}"
        digest = hashlib.sha256(what.encode())
        return _File(path, name, label, digest.hexdigest(), broken=what)


def _parts(file: _File, target: int) -> Iterator[tuple[Part, int]]:
    first = 0
    if not file.groups:
        yield Part(file.path, file.name, (), 0, 0, 0), 0
    for number, (rows, size) in enumerate(file.groups):
        pieces = min(max(1, rows), max(1, round(size / target)))
        if size > _LARGE:  # every piece decodes the rows before its own: few and large ones
            pieces = min(pieces, max(1, round(size / _PIECE)), 8)
        bounds = np.linspace(0, rows, pieces + 1).astype(int).tolist()
        for start, stop in pairwise(bounds):
            yield Part(file.path, file.name, (number,), first, start, stop), size // pieces
        first += rows


def _fragment(
    parts: list[Part], files: dict[str, _File], ids: tuple[str | None, str]
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
    ends = (joined[0], joined[-1]) if len(joined) > 1 else (joined[0],)
    starts = [f"{files[part.path].label}@{part.first_row + part.start}" for part in ends]
    total = hashlib.sha256()
    for part in joined:
        total.update(f"{files[part.path].digest}{part.groups}{part.start}:{part.stop};".encode())
    id_col, row_col = ids
    return [
        ParquetFragment("..".join(starts), total.hexdigest(), tuple(joined), id_col, "", row_col)
    ]


def _rows(part: Part, files: dict[str, _File]) -> int:
    return sum(files[part.path].groups[number][0] for number in part.groups)


def _read_part(
    fragment: ParquetFragment, part: Part, columns: Sequence[str] | None, rows: int
) -> Iterator[pa.RecordBatch]:
    try:
        # Buffered, a column chunk is streamed; otherwise it is loaded whole.
        with (
            open_input(part.path) as source,
            pq.ParquetFile(source, buffer_size=_BUFFER, pre_buffer=False) as file,
        ):
            wanted = _wanted(file.schema_arrow, part, columns, fragment.id_col)
            if part.start == part.stop:  # a fragment without rows still has columns
                empty = file.schema_arrow.empty_table().select(wanted)
                nothing = pa.RecordBatch.from_pylist([], empty.schema)
                yield _identified(nothing, fragment, part, part.first_row)
                return
            position = 0  # within the row groups
            for batch in file.iter_batches(rows, list(part.groups), wanted):
                end = position + batch.num_rows
                a, b = max(part.start, position), min(part.stop, end)
                if a < b:
                    rows_wanted = batch.slice(a - position, b - a).select(wanted)
                    yield _identified(rows_wanted, fragment, part, part.first_row + a)
                if end >= part.stop:
                    return
                position = end
            raise DataError(
                f"{part.path}: it ends after {position} of the {part.stop} rows that it promises"
            )
    except (OSError, pa.ArrowException, UnicodeError) as error:
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
    repeated = sorted(name for name in set(wanted) if schema.names.count(name) > 1)
    if repeated:
        raise DataError(f'{part.path}: there are several columns called "{repeated[0]}"')
    return wanted


def _identified(
    batch: pa.RecordBatch, fragment: ParquetFragment, part: Part, first: int
) -> pa.RecordBatch:
    id_col = fragment.id_col
    if id_col is None:
        id_col = fragment.row_col
        numbers = pa.array(np.arange(first, first + batch.num_rows)).cast(pa.string())
        ids = pc.binary_join_element_wise(pa.scalar(part.name), numbers, ":")
        schema = batch.schema.append(pa.field(id_col, pa.string()))
        batch = pa.RecordBatch.from_arrays([*batch.columns, ids], schema=schema)
    return mark(batch, id_col=id_col, file=part.name)
