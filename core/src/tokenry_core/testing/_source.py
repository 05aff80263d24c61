"""DataSourceTests: what every source promises."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa
import pytest

from tokenry_core import DataSource, batch_ids
from tokenry_core.errors import MissingColumn

from ._config import expect_documented, expect_strict
from ._kit import Kit
from ._promises import expect, promised, raises, shown

__all__ = ["DataSourceTests", "SourceCase"]

_READ = "Fragment"


@dataclass
class SourceCase:
    """A source of some rows, better in several fragments.

    `changed` is a source of the same shape of which one value is another, for the digests.
    """

    source: Any
    changed: Any = None

    @cached_property
    def rows(self) -> list[pa.RecordBatch]:
        """All rows, each fragment as one or more batches."""
        with promised("every fragment can be read", _READ):
            return read(self.source, None, 1 << 16)


class DataSourceTests(Kit):
    """Checks a source and its fragments; a subclass gives the fixture `case`."""

    @pytest.fixture
    def case(self) -> SourceCase:
        """The source: `return SourceCase(MySource(path=tmp_path))`."""
        raise NotImplementedError(
            f"{type(self).__qualname__} lacks the fixture `case`: define it, and let it return a"
            " tokenry_core.testing.SourceCase"
        )

    def test_is_a_source(self, case: SourceCase) -> None:
        expect(isinstance(case.source, DataSource), "it is a DataSource", shown(case.source), _READ)
        schema = case.source.schema
        expect(isinstance(schema, pa.Schema), "schema is a pyarrow.Schema", shown(schema), _READ)

    def test_config_is_strict_and_documented(self, case: SourceCase) -> None:
        cls = getattr(type(case.source), "Config", None)
        if cls is not None:
            expect_documented(cls)
            expect_strict(cls, case.source.config)

    def test_fragments_are_the_same_each_time(self, case: SourceCase) -> None:
        promise = "fragments come in a fixed order, with the same ids and digests"
        first, second = ([(f.id, f.digest) for f in case.source.fragments()] for _ in range(2))
        expect(first and first == second, promise, f"{shown(first)}, {shown(second)}", _READ)

    def test_fragment_ids_are_unique(self, case: SourceCase) -> None:
        ids = [fragment.id for fragment in case.source.fragments()]
        good = all(isinstance(i, str) and i for i in ids) and len(set(ids)) == len(ids)
        expect(good, "ids are strings, unique within the source", shown(ids), _READ)

    def test_reading_twice_gives_the_same(self, case: SourceCase) -> None:
        promise = "every read gives the same batches, and leaves the digest as it was"
        before = [fragment.digest for fragment in case.source.fragments()]
        for fragment in case.source.fragments():
            first, second = list(fragment.read(None, 5)), list(fragment.read(None, 5))
            same = len(first) == len(second) and all(map(_equal, first, second))
            expect(same, promise, f'fragment "{fragment.id}" differs', _READ)
            some = "a fragment gives at least one batch, maybe without rows"
            expect(first, some, f'fragment "{fragment.id}" gives none', _READ)
        after = [fragment.digest for fragment in case.source.fragments()]
        expect(before == after, promise, "digests differ after reading", _READ)

    def test_fragments_are_readable_alone(self, case: SourceCase) -> None:
        promise = "a fragment gives the same rows alone, in any order, and in another process"
        expected = _table(case.rows)
        parts: list[list[pa.RecordBatch]] = []
        for fragment in reversed(case.source.fragments()):
            with promised(f"{promise}: it pickles", _READ):
                travelled = pickle.loads(pickle.dumps(fragment))  # noqa: S301 (our own bytes)
                parts.insert(0, list(travelled.read(None, 1 << 16)))
            same = (travelled.id, travelled.digest) == (fragment.id, fragment.digest)
            expect(same, promise, f'id or digest of "{fragment.id}" changed', _READ)
        found = _table([batch for part in parts for batch in part])
        expect(found.equals(expected), promise, "other rows", _READ)

    @pytest.mark.parametrize("rows", [1, 3, 1000])
    def test_batches_have_at_most_the_rows_asked_for(self, case: SourceCase, rows: int) -> None:
        promise = "read(columns, rows) gives the same rows and ids in batches of at most `rows`"
        batches = read(case.source, None, rows)
        sizes = [batch.num_rows for batch in batches]
        expect(max(sizes, default=0) <= rows, promise, f"{rows} asked for, {sizes}", _READ)
        expect(_table(batches).equals(_table(case.rows)), promise, f"other rows by {rows}", _READ)
        expect(_ids(batches) == _ids(case.rows), promise, f"other ids by {rows}", _READ)

    def test_columns_are_those_asked_for(self, case: SourceCase) -> None:
        promise = "read gives at least the columns asked for and the ids; None gives all"
        names: list[str] = case.source.schema.names
        for wanted in (names[:0], names[:1], names[::-1]):
            with promised(f"{promise} ({wanted})", _READ):
                batches = read(case.source, wanted, 7)
            there = all(set(wanted) <= set(batch.schema.names) for batch in batches)
            expect(there, promise, f"{wanted} gave {batches[0].schema.names}", _READ)
            with promised(f"{promise} ({wanted})", _READ):
                ids = _ids(batches)
            expect(ids == _ids(case.rows), promise, f"{wanted} gave other ids", _READ)
        there = all(set(names) <= set(batch.schema.names) for batch in case.rows)
        expect(there, promise, f"not all of {names}", _READ)

    def test_missing_column_is_named(self, case: SourceCase) -> None:
        promise = "a column that is not there is a MissingColumn that names it"
        for fragment in case.source.fragments()[:1]:
            with raises(MissingColumn, promise, "require", naming=["no_such_column"]):
                list(fragment.read(["no_such_column"], 10))

    def test_digests_change_with_the_content(self, case: SourceCase) -> None:
        if case.changed is None:
            return
        before = {fragment.digest for fragment in case.source.fragments()}
        after = {fragment.digest for fragment in case.changed.fragments()}
        expect(before != after, "the digest changes when the content does", "the same", _READ)


def read(source: Any, columns: list[str] | None, rows: int) -> list[pa.RecordBatch]:
    """Give all batches of all fragments."""
    return [b for fragment in source.fragments() for b in fragment.read(columns, rows)]


def _table(batches: list[pa.RecordBatch]) -> pa.Table:
    plain = [batch.replace_schema_metadata(None) for batch in batches]
    return pa.Table.from_batches(plain).combine_chunks() if plain else pa.table({})


def _ids(batches: list[pa.RecordBatch]) -> list[tuple[str, Any]]:
    out: list[tuple[str, Any]] = []
    for batch in batches:
        ids, name = batch_ids(batch)
        out += [(name, value) for value in ids.to_pylist()]
    return out


def _equal(a: pa.RecordBatch, b: pa.RecordBatch) -> bool:
    return bool(a.schema.equals(b.schema, check_metadata=True) and a.equals(b))
