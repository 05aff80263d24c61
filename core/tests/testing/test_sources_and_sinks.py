"""Sources and sinks that keep their promises pass; each that breaks one is caught."""

from __future__ import annotations

import inspect
import itertools
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tokenry_core import ArrowSource, ParquetSource, TokenBatch
from tokenry_core.testing import (
    BrokenPromise,
    DataSourceTests,
    SinkCase,
    SinkTests,
    SourceCase,
    sample_batches,
)

COUNTER = itertools.count()


def table(rows=23, shift=0.0):
    return pa.table(
        {
            "source_id": np.arange(rows) + 2**60,
            "g": np.arange(rows) + shift,
            "name": [None if i % 5 == 0 else f"n{i}" for i in range(rows)],
        }
    )


class TestArrow(DataSourceTests):
    @pytest.fixture
    def case(self):
        changed = ArrowSource(table(shift=0.5), fragment_rows=10)
        return SourceCase(ArrowSource(table(), fragment_rows=10), changed)


class TestArrowWithoutRows(DataSourceTests):
    @pytest.fixture
    def case(self):
        return SourceCase(ArrowSource(table(0)))


class TestArrowWithoutIds(DataSourceTests):
    @pytest.fixture
    def case(self):
        return SourceCase(ArrowSource(table().select(["g"]), fragment_rows=7))


@pytest.mark.parametrize("columns", [["source_id", "g", "name"], ["g", "name"]])
class TestParquet(DataSourceTests):
    @pytest.fixture
    def case(self, tmp_path, columns):
        for name, shift in (("a", 0.0), ("b", 1.5)):
            folder = tmp_path / name
            folder.mkdir()
            for part in range(3):
                one = table(20, part).select(columns)
                one = one.set_column(columns.index("g"), "g", pa.array(np.arange(20) * shift))
                pq.write_table(one, folder / f"{part}.parquet", row_group_size=8)
        a, b = (ParquetSource(path=str(tmp_path / n), fragment_bytes=300) for n in "ab")
        return SourceCase(a, changed=b)


class Wrong(ArrowSource):
    """A source whose fragments are wrapped by what is wrong with them."""

    def __init__(self, wrap):
        super().__init__(table(), fragment_rows=10)
        self.wrap = wrap

    def fragments(self):
        return [self.wrap(fragment) for fragment in super().fragments()]


@dataclass(frozen=True)
class Wrapped:
    inner: object

    @property
    def id(self):
        return self.inner.id

    @property
    def digest(self):
        return self.inner.digest

    def read(self, columns, rows):
        return self.inner.read(columns, rows)


class SameIds(Wrapped):
    id = "part"


class ChangingDigest(Wrapped):
    @property
    def digest(self):
        return str(next(COUNTER))


class ConstantDigest(Wrapped):
    digest = "0"


class RandomRows(Wrapped):
    def read(self, columns, rows):
        for batch in self.inner.read(columns, rows):
            yield batch.take(pa.array(np.random.permutation(batch.num_rows)))


class GivesNothing(Wrapped):
    def read(self, columns, rows):
        return iter(())


class LargeBatches(Wrapped):
    def read(self, columns, rows):
        return self.inner.read(columns, 1 << 16)


class LosesTheRest(Wrapped):
    def read(self, columns, rows):
        for batch in self.inner.read(columns, rows):
            if batch.num_rows == rows or rows > 1000:
                yield batch


class OmitsIds(Wrapped):
    def read(self, columns, rows):
        for batch in self.inner.read(columns, rows):
            yield batch.select(columns if columns is not None else batch.schema.names)


class RaisesKeyError(Wrapped):
    def read(self, columns, rows):
        for batch in self.inner.read(None, rows):
            yield batch if columns is None else batch.select([*columns, "source_id"])


class OmitsColumns(Wrapped):
    def read(self, columns, rows):
        return self.inner.read(columns and columns[1:], rows)


class NumbersRowsByBatch(Wrapped):
    def read(self, columns, rows):
        for batch in self.inner.read(columns, rows):
            ids = pa.array(np.arange(batch.num_rows))
            rest = [name for name in batch.schema.names if name != "source_id"]
            arrays = [ids, *(batch.column(name) for name in rest)]
            yield pa.record_batch(arrays, ["source_id", *rest])


@dataclass(frozen=True)
class ForgetsWhenPickled(Wrapped):
    def __reduce__(self):
        return type(self), (replace(self.inner, table=self.inner.table.slice(1)),)


@dataclass(frozen=True)
class Unpicklable(Wrapped):
    hook: object = lambda: None


WRONG_SOURCES = [
    (SameIds, "test_fragment_ids_are_unique"),
    (ChangingDigest, "test_fragments_are_the_same_each_time"),
    (ConstantDigest, "test_digests_change_with_the_content"),
    (RandomRows, "test_reading_twice_gives_the_same"),
    (GivesNothing, "test_reading_twice_gives_the_same"),
    (LargeBatches, "test_batches_have_at_most_the_rows_asked_for"),
    (LosesTheRest, "test_batches_have_at_most_the_rows_asked_for"),
    (OmitsIds, "test_columns_are_those_asked_for"),
    (RaisesKeyError, "test_missing_column_is_named"),
    (OmitsColumns, "test_columns_are_those_asked_for"),
    (NumbersRowsByBatch, "test_batches_have_at_most_the_rows_asked_for"),
    (ForgetsWhenPickled, "test_fragments_are_readable_alone"),
    (Unpicklable, "test_fragments_are_readable_alone"),
]


@pytest.mark.parametrize(("wrap", "name"), WRONG_SOURCES)
def test_wrong_source_is_caught(wrap, name):
    changed = Wrong(wrap)
    changed.table = table(shift=1)
    check(DataSourceTests(), name, SourceCase(Wrong(wrap), changed))


def check(kit, name, case):
    method = getattr(kit, name)
    wants = inspect.signature(method).parameters
    with pytest.raises(BrokenPromise, match="promised: "):
        method(**{k: v for k, v in {"case": case, "rows": 3}.items() if k in wants})


@dataclass(frozen=True)
class FeatherSink:
    """One Arrow file a fragment."""

    folder: Path

    def name(self, stem):
        return f"{stem}.arrow.partial"

    def write(self, stem, batches, provenance):
        path = self.folder / self.name(stem)
        batches = [batch.to_arrow() for batch in batches]
        with pa.OSFile(str(path), "w") as file, pa.ipc.new_file(file, batches[0].schema) as out:
            for batch in batches:
                out.write_batch(batch.replace_schema_metadata(batches[0].schema.metadata))
        return [path]


def read_arrow(paths):
    (path,) = paths
    with pa.OSFile(str(path)) as source:
        file = pa.ipc.open_file(source)
        batches = [file.get_batch(i) for i in range(file.num_record_batches)]
        return TokenBatch.concat([TokenBatch.from_arrow(batch) for batch in batches])


class TestFeather(SinkTests):
    @pytest.fixture
    def case(self, tmp_path):
        return SinkCase(FeatherSink(tmp_path), tmp_path, read_arrow)


class TestOneField(SinkTests):
    """A sink of one field gives back what it has."""

    @pytest.fixture
    def case(self, tmp_path):
        def read(paths):
            found = read_arrow(paths)
            return {"ids": found["ids"], "patches_flat": found["patches_flat"]}

        return SinkCase(FeatherSink(tmp_path), tmp_path, read)


class FinishedNames(FeatherSink):
    def name(self, stem):
        return f"{stem}.arrow"


class LeavesFiles(FeatherSink):
    def write(self, stem, batches, provenance):
        (self.folder / "log.txt").write_text(stem)
        return super().write(stem, batches, provenance)


class OneNameForAll(FeatherSink):
    def name(self, stem):
        return f"{Path(stem).name.replace('-', '_')}.partial"


class Elsewhere(FeatherSink):
    def name(self, stem):
        return f"../{stem}.partial"


class DropsTheLast(FeatherSink):
    def write(self, stem, batches, provenance):
        return super().write(stem, list(batches)[:-1], provenance)


class Timestamped(FeatherSink):
    def write(self, stem, batches, provenance):
        (path,) = super().write(stem, batches, provenance)
        path.write_bytes(path.read_bytes() + str(next(COUNTER)).encode())
        return [path]


class FailsOnNothing(FeatherSink):
    def write(self, stem, batches, provenance):
        batches = list(batches)
        batches[0].ids[0]
        return super().write(stem, batches, provenance)


class FinishesInAnyCase(FeatherSink):
    def write(self, stem, batches, provenance):
        (self.folder / f"{stem}.done").touch()
        return super().write(stem, batches, provenance)


class Swallows(FeatherSink):
    def write(self, stem, batches, provenance):
        try:
            return super().write(stem, batches, provenance)
        except LookupError:
            return []


class Rounds(FeatherSink):
    def write(self, stem, batches, provenance):
        batches = list(batches)
        for batch in batches:
            batch.fields["brightness"].values[...] = 0
        return super().write(stem, batches, provenance)


WRONG_SINKS = [
    (FinishedNames, "test_writes_partial_files_only"),
    (LeavesFiles, "test_writes_partial_files_only"),
    (OneNameForAll, "test_fragments_have_files_of_their_own"),
    (Elsewhere, "test_fragments_have_files_of_their_own"),
    (DropsTheLast, "test_written_tokens_can_be_read"),
    (Timestamped, "test_writing_twice_gives_the_same_bytes"),
    (FailsOnNothing, "test_fragment_without_rows_is_written"),
    (FinishesInAnyCase, "test_errors_of_the_batches_come_through"),
    (Swallows, "test_errors_of_the_batches_come_through"),
    (Rounds, "test_batches_are_not_changed"),
    (lambda folder: partial(print, lambda: folder), "test_is_a_sink"),
]


@pytest.mark.parametrize(("make", "name"), WRONG_SINKS)
def test_wrong_sink_is_caught(make, name, tmp_path):
    check(SinkTests(), name, SinkCase(make(tmp_path), tmp_path, read_arrow))


def test_reading_back_without_ids_is_caught(tmp_path):
    case = SinkCase(FeatherSink(tmp_path), tmp_path, lambda paths: {})
    check(SinkTests(), "test_written_tokens_can_be_read", case)


def test_what_is_no_source_is_caught():
    check(DataSourceTests(), "test_is_a_source", SourceCase({"g": [1.0]}))


def test_samples_hold_a_field_of_each_sort():
    kinds = {(field.kind, field.ragged) for field in sample_batches()[0].spec.fields}
    assert kinds == set(itertools.product(("discrete", "dense"), (False, True)))
