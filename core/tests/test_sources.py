from __future__ import annotations

import io
import pickle
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

import fsspec
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenry_core import (
    ArrowSource,
    DataSource,
    Fragment,
    ParquetSource,
    as_table,
    batch_ids,
    file_of,
    open_source,
)
from tokenry_core._source_parquet import _File, _parts
from tokenry_core.errors import ConfigError, DataError, MissingColumn

BIG = 2**53 + 1


def rows_of(source, columns=None, rows: int = 1000) -> pa.Table:
    """Everything that a source gives, in order."""
    batches = [batch for f in source.fragments() for batch in f.read(columns, rows)]
    return pa.Table.from_batches(batches)


def ids_of(source, columns=(), rows: int = 1000) -> list:
    found = []
    for fragment in source.fragments():
        for batch in fragment.read(columns, rows):
            found += batch_ids(batch)[0].to_pylist()
    return found


def write(path: Path, columns, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), path, **options)
    return path


class TestRowsAndFragments:
    @given(
        sizes=st.lists(st.integers(0, 40), min_size=1, max_size=4),
        group=st.integers(1, 30),
        fragment_bytes=st.sampled_from([1, 40, 100, 300, 1000, 1 << 20]),
        rows=st.integers(1, 50),
        with_id=st.booleans(),
    )
    @settings(max_examples=60, deadline=None)
    def test_every_row_comes_once_in_order_with_its_id(
        self, tmp_path_factory, sizes, group, fragment_bytes, rows, with_id
    ):
        folder = tmp_path_factory.mktemp("rows")
        expected_ids, expected_values, start = [], [], 0
        for number, size in enumerate(sizes):
            values = np.arange(start, start + size)
            columns = {"id": values + BIG, "v": values} if with_id else {"v": values}
            write(folder / f"{number}.parquet", columns, row_group_size=group)
            name = f"{number}.parquet"
            expected_ids += [
                int(v) + BIG if with_id else f"{name}:{v - start}" for v in values.tolist()
            ]
            expected_values += values.tolist()
            start += size
        source = ParquetSource(path=str(folder), fragment_bytes=fragment_bytes)
        fragments = source.fragments()
        batches = [(f, batch) for f in fragments for batch in f.read(["v"], rows)]
        found = [v for _, batch in batches for v in batch.column("v").to_pylist()]
        assert found == expected_values
        assert [i for _, b in batches for i in batch_ids(b)[0].to_pylist()] == expected_ids
        assert all(batch.num_rows <= rows for _, batch in batches)
        assert len({f.id for f in fragments}) == len(fragments)
        if len(sizes) == 1:  # files of equal content have equal digests
            assert len({f.digest for f in fragments}) == len(fragments)
        if len(sizes) > 1 or not with_id:
            assert {file_of(batch) for _, batch in batches if batch.num_rows} == {
                f"{number}.parquet" for number, size in enumerate(sizes) if size
            }

    def test_small_row_groups_and_files_are_joined(self, tmp_path):
        for name in "abc":
            write(tmp_path / f"{name}.parquet", {"id": range(100)}, row_group_size=10)
        (fragment,) = ParquetSource(path=str(tmp_path)).fragments()
        assert fragment.id == "a@0..c@0"
        assert [part.groups for part in fragment.parts] == [tuple(range(10))] * 3

    def test_large_row_group_is_split_into_even_parts(self, tmp_path):
        path = write(tmp_path / "a.parquet", {"id": np.arange(1000)}, use_dictionary=False)
        size = pq.read_metadata(path).row_group(0).total_byte_size
        fragments = ParquetSource(path=str(path), fragment_bytes=size // 4).fragments()
        assert [f.id for f in fragments] == ["a@0", "a@250", "a@500", "a@750"]
        assert [sum(b.num_rows for b in f.read([], 99)) for f in fragments] == [250] * 4

    def test_fragments_are_about_as_large_as_asked(self, tmp_path):
        write(tmp_path / "a.parquet", {"id": np.arange(10_000)}, row_group_size=100)
        groups = pq.read_metadata(tmp_path / "a.parquet")
        each = groups.row_group(0).total_byte_size
        fragments = ParquetSource(path=str(tmp_path), fragment_bytes=each * 10).fragments()
        assert 10 <= len(fragments) <= 12

    def test_huge_row_group_is_split_in_few_parts_as_each_decodes_what_is_before(self):
        file = _File("p", "n", "l", "d", groups=((1000, 10 << 30), (10, 64 << 20)))
        parts = [part for part, _ in _parts(file, 64 << 20)]
        starts = [(part.groups, part.start, part.stop) for part in parts]
        assert starts == [*(((0,), a, a + 125) for a in range(0, 1000, 125)), ((1,), 0, 10)]

    def test_order_of_the_given_paths_does_not_matter(self, tmp_path):
        paths = [str(write(tmp_path / f"{n}.parquet", {"id": [n]})) for n in range(4)]
        sources = [ParquetSource(path=tuple(order)) for order in (paths, reversed(paths))]
        first, second = (source.fragments() for source in sources)
        assert first == second
        assert ids_of(sources[0]) == [0, 1, 2, 3]

    def test_reading_twice_gives_the_same_batches(self, tmp_path):
        write(tmp_path / "a.parquet", {"id": range(100), "v": range(100)}, row_group_size=7)
        (fragment,) = ParquetSource(path=str(tmp_path)).fragments()
        assert list(fragment.read(["v"], 9)) == list(fragment.read(["v"], 9))

    def test_fragment_travels_to_another_process(self, tmp_path):
        write(tmp_path / "a.parquet", {"id": range(100)}, row_group_size=7)
        for fragment in ParquetSource(path=str(tmp_path), fragment_bytes=100).fragments():
            again = pickle.loads(pickle.dumps(fragment))
            assert again == fragment
            assert list(again.read(None, 5)) == list(fragment.read(None, 5))

    def test_files_whose_names_differ_in_the_suffix_alone_are_told_apart(self, tmp_path):
        for name in ("x.parquet", "x.pq", "x"):
            write(tmp_path / name, {"v": [1, 2]})
        source = ParquetSource(path=str(tmp_path / "x*"), fragment_bytes=1)
        fragments = source.fragments()
        assert len({f.id for f in fragments}) == len(fragments) == 6
        assert sorted(ids_of(source))[:3] == ["x.parquet:0", "x.parquet:1", "x.pq:0"]

    def test_digest_follows_the_content(self, tmp_path):
        digests = []
        for values in ([1, 2, 3], [1, 2, 4], [1, 2, 3]):
            write(tmp_path / "a.parquet", {"id": values})
            (fragment,) = ParquetSource(path=str(tmp_path)).fragments()
            digests.append(fragment.digest)
        assert digests[0] == digests[2] != digests[1]

    def test_digest_does_not_depend_on_the_place(self, tmp_path):
        found = []
        for folder in ("one", "two"):
            write(tmp_path / folder / "a.parquet", {"id": [1, 2]})
            found += ParquetSource(path=str(tmp_path / folder)).fragments()
        assert found[0].digest == found[1].digest

    def test_source_and_fragments_keep_the_contract(self, tmp_path):
        source = ParquetSource(path=str(write(tmp_path / "a.parquet", {"id": [1]})))
        assert isinstance(source, DataSource)
        assert all(isinstance(fragment, Fragment) for fragment in source.fragments())

    def test_big_row_group_is_streamed(self, tmp_path):
        path = write(
            tmp_path / "a.parquet",
            {"id": np.arange(2_000_000), "v": np.random.default_rng(0).random(2_000_000)},
            row_group_size=2_000_000,
            compression="none",
            use_dictionary=False,
        )
        size = path.stat().st_size
        pool = pa.default_memory_pool()
        source = ParquetSource(path=str(path))
        base, peak = pool.bytes_allocated(), 0
        for fragment in source.fragments():
            for _ in fragment.read(["v"], 1000):
                peak = max(peak, pool.bytes_allocated() - base)
        assert size > 30_000_000
        assert peak < size / 5


class TestIds:
    def test_integers_beyond_what_a_float_holds_are_exact(self, tmp_path):
        ids = [BIG, BIG + 1, 2**63 - 1, -(2**63)]
        write(tmp_path / "a.parquet", {"source_id": ids})
        assert ids_of(ParquetSource(path=str(tmp_path))) == ids

    def test_unsigned_and_text_ids_are_kept(self, tmp_path):
        write(tmp_path / "u.parquet", {"id": pa.array([2**64 - 1, 0], pa.uint64())})
        assert ids_of(ParquetSource(path=str(tmp_path / "u.parquet"))) == [2**64 - 1, 0]
        for kind in (pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())):
            write(tmp_path / "s.parquet", {"id": pa.array(["NGC 1", "é", ""]).cast(kind)})
            source = ParquetSource(path=str(tmp_path / "s.parquet"))
            assert ids_of(source) == ["NGC 1", "é", ""]

    def test_option_names_the_id_column(self, tmp_path):
        write(tmp_path / "a.parquet", {"id": [1], "name": ["x"]})
        source = ParquetSource(path=str(tmp_path), id="name")
        assert ids_of(source) == ["x"]
        ((batch,),) = [list(f.read([], 9)) for f in source.fragments()]
        assert batch_ids(batch)[1] == "name"

    def test_without_an_id_column_file_and_row_are_the_id(self, tmp_path):
        for name in ("b.parquet", "sub/a.parquet"):
            write(tmp_path / name, {"v": [1, 2]}, row_group_size=1)
        found = ids_of(ParquetSource(path=str(tmp_path), fragment_bytes=1))
        assert found == ["b.parquet:0", "b.parquet:1", "sub/a.parquet:0", "sub/a.parquet:1"]

    def test_column_called_source_row_is_kept(self, tmp_path):
        write(tmp_path / "a.parquet", {"source_row": [7, 8], "v": [1, 2]})
        source = ParquetSource(path=str(tmp_path))
        table = rows_of(source)
        assert table["source_row"].to_pylist() == [7, 8]
        assert table["source_row_"].to_pylist() == ["a.parquet:0", "a.parquet:1"]
        assert ids_of(source, ["v"]) == ["a.parquet:0", "a.parquet:1"]


class TestColumns:
    @pytest.fixture
    def source(self, tmp_path) -> ParquetSource:
        write(tmp_path / "a.parquet", {"v": [1.0, 2.0], "id": [5, 6], "w": ["x", None]})
        return ParquetSource(path=str(tmp_path))

    @pytest.mark.parametrize(
        ("columns", "expected"),
        [
            (None, ["v", "id", "w"]),
            ([], ["id"]),
            (["w"], ["w", "id"]),
            (["w", "v"], ["w", "v", "id"]),
            (["id", "v"], ["id", "v"]),
            (("id",), ["id"]),
        ],
    )
    def test_columns_that_are_asked_for_and_the_id_are_read(self, source, columns, expected):
        assert rows_of(source, columns).column_names == expected

    @pytest.mark.parametrize("columns", [None, [], ["v"]])
    def test_without_an_id_column_rows_are_still_counted(self, tmp_path, columns):
        write(tmp_path / "b" / "b.parquet", {"v": [1, 2, 3]}, row_group_size=2)
        table = rows_of(ParquetSource(path=str(tmp_path / "b")), columns, rows=2)
        assert table.num_rows == 3
        assert table.column_names == [*(["v"] if columns != [] else []), "source_row"]

    def test_missing_column_names_the_file_and_the_nearest(self, source, tmp_path):
        with pytest.raises(MissingColumn, match=r'a\.parquet: column "mag" is missing; there are'):
            rows_of(source, ["v", "mag"])
        with pytest.raises(MissingColumn, match=r'"ids" is missing.*Did you mean "id"'):
            rows_of(ParquetSource(path=str(tmp_path), id="ids"))

    def test_several_columns_of_one_name_are_told(self, tmp_path):
        table = pa.table([[1], [2], [3]], names=["v", "v", "w"])
        write(tmp_path / "c" / "a.parquet", table)
        source = ParquetSource(path=str(tmp_path / "c"))
        assert rows_of(source, ["w"])["w"].to_pylist() == [3]
        for columns in (["v"], None):
            with pytest.raises(DataError, match='there are several columns called "v"'):
                rows_of(source, columns)

    def test_name_with_a_dot_is_one_column(self, tmp_path):
        write(tmp_path / "d" / "a.parquet", {"a.b": [1], "a": [2], "s": [{"b": 3, "c": 4}]})
        source = ParquetSource(path=str(tmp_path / "d"))
        assert rows_of(source, ["a.b"])["a.b"].to_pylist() == [1]
        assert rows_of(source, ["a"])["a"].to_pylist() == [2]
        assert rows_of(source, ["s"])["s"].to_pylist() == [{"b": 3, "c": 4}]

    def test_columns_of_every_kind_come_as_they_are(self, tmp_path):
        tensor = pa.FixedShapeTensorArray.from_numpy_ndarray(np.arange(12.0).reshape(2, 2, 3))
        table = pa.table(
            {
                "id": [1, 2],
                "dictionary": pa.array(["a", "b"]).dictionary_encode(),
                "lists": [[[1.0], []], None],
                "fixed": pa.FixedSizeListArray.from_arrays(pa.array([1, 2, 3, 4]), 2),
                "large": pa.array([[1], []], pa.large_list(pa.int16())),
                "struct": [{"x": [1]}, {"x": None}],
                "image": tensor,
                "bytes": [b"\xff\xd8", None],
                "date": pa.array([1, 2], pa.timestamp("us", tz="UTC")),
                "none": pa.nulls(2),
            }
        )
        write(tmp_path / "e" / "a.parquet", table)
        source = ParquetSource(path=str(tmp_path / "e"))
        assert source.schema.remove_metadata() == table.schema
        found = rows_of(source, rows=1)
        assert found.schema.remove_metadata() == table.schema
        assert found.replace_schema_metadata() == table


class TestBadFiles:
    def test_file_without_rows_gives_an_empty_batch(self, tmp_path):
        write(
            tmp_path / "a.parquet", {"id": pa.array([], pa.int64()), "v": pa.array([], pa.int8())}
        )
        write(tmp_path / "b.parquet", {"id": [1], "v": pa.array([1], pa.int8())})
        source = ParquetSource(path=str(tmp_path))
        assert ids_of(source) == [1]
        assert source.schema.names == ["id", "v"]
        alone = ParquetSource(path=str(tmp_path / "a.parquet"))
        assert [b.num_rows for f in alone.fragments() for b in f.read(None, 9)] == [0]

    def test_file_without_row_groups_gives_no_rows(self, tmp_path):
        schema = pa.schema({"id": pa.int64()})
        with pq.ParquetWriter(tmp_path / "a.parquet", schema):
            pass
        (fragment,) = ParquetSource(path=str(tmp_path)).fragments()
        assert [batch.num_rows for batch in fragment.read(None, 9)] == [0]

    def test_empty_row_group_among_others_does_no_harm(self, tmp_path):
        table = pa.table({"id": [1, 2]})
        with pq.ParquetWriter(tmp_path / "a.parquet", table.schema) as writer:
            for part in (table.slice(0, 0), table, table.slice(0, 0), table):
                writer.write_table(part)
        for size in (1, 1 << 20):
            source = ParquetSource(path=str(tmp_path), fragment_bytes=size)
            assert ids_of(source) == [1, 2, 1, 2]

    @pytest.mark.parametrize("damage", ["truncated", "empty", "text", "gone"])
    def test_file_that_cannot_be_read_is_a_fragment_that_says_so(self, tmp_path, damage):
        for name in "abc":
            write(tmp_path / f"{name}.parquet", {"id": [ord(name)]})
        bad = tmp_path / "b.parquet"
        if damage == "truncated":
            bad.write_bytes(bad.read_bytes()[:-10])
        elif damage == "empty":
            bad.write_bytes(b"")
        elif damage == "text":
            bad.write_text("not Parquet at all")
        source = ParquetSource(path=str(tmp_path))
        if damage == "gone":
            assert source._files
            bad.unlink()
            with pytest.raises(DataError, match=r"b\.parquet: cannot be read"):
                rows_of(source)
            return
        first, broken, last = source.fragments()
        assert [f.id for f in (first, broken, last)] == ["a@0", "b.parquet", "c@0"]
        with pytest.raises(DataError, match=r"b\.parquet: cannot be read as Parquet"):
            next(broken.read(None, 9))
        assert [b.num_rows for f in (first, last) for b in f.read(None, 9)] == [1, 1]
        assert pickle.loads(pickle.dumps(broken)) == broken

    def test_first_file_may_be_the_one_that_is_broken(self, tmp_path):
        (tmp_path / "a.parquet").write_bytes(b"")
        write(tmp_path / "b.parquet", {"id": [1]})
        source = ParquetSource(path=str(tmp_path))
        assert source.schema.names == ["id"]
        assert [f.id for f in source.fragments()] == ["a.parquet", "b@0"]

    def test_no_readable_file_says_why(self, tmp_path):
        for name in "ab":
            (tmp_path / f"{name}.parquet").write_bytes(b"")
        with pytest.raises(DataError, match=r"none of 2 files can be read: .*a\.parquet: ca"):
            ParquetSource(path=str(tmp_path)).schema

    def test_damaged_pages_are_told_with_the_file(self, tmp_path):
        path = write(tmp_path / "a.parquet", {"id": np.arange(10_000)}, use_dictionary=False)
        data = bytearray(path.read_bytes())
        data[4:2000] = b"\xff" * 1996
        path.write_bytes(data)
        with pytest.raises(DataError, match=r"a\.parquet: cannot be read"):
            rows_of(ParquetSource(path=str(tmp_path)))

    def test_file_that_lacks_a_column_names_itself_and_spoils_no_other(self, tmp_path):
        write(tmp_path / "a.parquet", {"id": [1], "v": [1]})
        write(tmp_path / "b.parquet", {"id": [2]})
        fragments = ParquetSource(path=str(tmp_path), fragment_bytes=1).fragments()
        assert len(list(fragments[0].read(["v"], 9))) == 1
        with pytest.raises(MissingColumn, match=r"b\.parquet: column \"v\" is missing"):
            next(fragments[1].read(["v"], 9))

    def test_columns_in_another_order_are_found_by_name(self, tmp_path):
        write(tmp_path / "a.parquet", {"id": [1], "v": [10]})
        write(tmp_path / "b.parquet", {"v": [20], "id": [2]})
        table = rows_of(ParquetSource(path=str(tmp_path)), ["v"])
        assert table.to_pydict() == {"v": [10, 20], "id": [1, 2]}

    def test_option_is_checked(self):
        with pytest.raises(ConfigError, match="path: missing"):
            ParquetSource()
        with pytest.raises(ConfigError, match="fragment_bytes: 0 was given; allowed is a whole"):
            ParquetSource(path="x", fragment_bytes=0)
        with pytest.raises(ConfigError, match=r'paths: unknown key.*mean "path"'):
            ParquetSource(paths="x")


class TestRemote:
    @pytest.fixture
    def bucket(self):
        fs = fsspec.filesystem("memory")
        fs.store.clear()
        for number, name in enumerate(("a.parquet", "sub/b.parquet")):
            file = io.BytesIO()
            table = pa.table({"id": np.arange(10) + 10 * number})
            pq.write_table(table, file, row_group_size=3)
            fs.pipe(f"/bucket/{name}", file.getvalue())
        yield "memory://bucket"
        fs.store.clear()

    @pytest.mark.parametrize(
        ("path", "count"),
        [("", 20), ("/a.parquet", 10), ("/*.parquet", 10), ("/**/*.parquet", 20)],
    )
    def test_remote_files_are_read_like_local_ones(self, bucket, path, count):
        source = open_source(f"{bucket}{path}")
        assert ids_of(source, rows=2) == list(range(count))
        assert pickle.loads(pickle.dumps(source.fragments())) == source.fragments()

    def test_digest_is_that_of_the_same_file_elsewhere(self, bucket, tmp_path):
        data = fsspec.filesystem("memory").cat("/bucket/a.parquet")
        (tmp_path / "a.parquet").write_bytes(data)
        (remote,) = ParquetSource(path=f"{bucket}/a.parquet").fragments()
        (local,) = ParquetSource(path=str(tmp_path / "a.parquet")).fragments()
        assert remote.digest == local.digest
        assert remote.id == local.id

    def test_remote_file_that_is_not_there_is_told(self, bucket):
        with pytest.raises(DataError, match=r"absent\.parquet: cannot be read as Parquet"):
            open_source(f"{bucket}/absent.parquet").schema

    def test_local_and_remote_files_may_be_mixed(self, bucket, tmp_path):
        path = write(tmp_path / "z.parquet", {"id": [99]})
        assert sorted(ids_of(open_source([bucket, str(path)]))) == [*range(20), 99]


class Wrapped:
    """What only speaks the Arrow PyCapsule interface."""

    def __init__(self, data, kind):
        self.data, self.kind = data, kind

    def __getattr__(self, name):
        if name == f"__arrow_c_{self.kind}__":
            return getattr(self.data, name)
        raise AttributeError(name)


class FakeDataset:
    """What of a Hugging Face dataset is used."""

    data = None

    def with_format(self, kind):
        assert kind == "arrow"
        return self

    def __getitem__(self, key):
        assert key == slice(None)
        return TABLE


TABLE = pa.table({"id": [1, 2], "v": [0.5, 1.5]})


class TestArrow:
    @pytest.mark.parametrize(
        "make",
        [
            lambda: TABLE,
            lambda: TABLE.to_batches()[0],
            lambda: pa.RecordBatchReader.from_batches(TABLE.schema, TABLE.to_batches()),
            lambda: TABLE.to_pandas(),
            lambda: TABLE.to_pandas().set_index("id")[["v"]].reset_index(),
            lambda: pl.from_arrow(TABLE),
            lambda: TABLE.to_pydict(),
            lambda: MappingProxyType(TABLE.to_pydict()),
            lambda: {"id": np.array([1, 2]), "v": pa.chunked_array([[0.5], [1.5]])},
            lambda: {"id": pd.Series([1, 2]), "v": pl.Series([0.5, 1.5])},
            lambda: Wrapped(TABLE, "stream"),
            lambda: Wrapped(TABLE.to_batches()[0], "array"),
            FakeDataset,
            lambda: ArrowSource(TABLE),
        ],
    )
    def test_whatever_holds_columns_is_a_source(self, make):
        source = open_source(make())
        assert isinstance(source, DataSource)
        assert rows_of(source).to_pydict() == TABLE.to_pydict()
        assert ids_of(source) == [1, 2]

    def test_named_index_of_a_frame_is_a_column(self):
        frame = pd.DataFrame({"v": [1.0]}, index=pd.Index([BIG], name="source_id"))
        assert ids_of(ArrowSource(frame)) == [BIG]
        assert as_table(pd.DataFrame({"v": [1.0]}, index=[7])).column_names == ["v"]
        doubled = pd.DataFrame({"v": [1.0], "id": [3]}).set_index("id", drop=False)
        assert as_table(doubled).column_names == ["v", "id"]

    @pytest.mark.parametrize(
        ("data", "what"),
        [
            (3, "a int was given; allowed are a path, glob"),
            (None, "a NoneType was given; allowed are"),
            ([1, 2], "a list was given; allowed are"),
            (["a.parquet", {"id": [1]}], "a list was given; allowed are"),
            ({"a": 1}, "the given dict is no table"),
            ({"a": [1], "b": [1, 2]}, "the given dict is no table"),
            ({"a": np.zeros((2, 2))}, "the given dict is no table"),
            ({"a": [object()]}, "the given dict is no table"),
            (pd.Series([1]), "the given pandas.* is no table"),
            (pl.Series([1]), "the given polars.* is no table"),
            (pa.array([1]), "the given pyarrow.* is no table"),
        ],
    )
    def test_what_is_no_table_is_told(self, data, what):
        with pytest.raises(DataError, match=what):
            open_source(data)

    def test_callers_data_is_left_alone(self):
        frame, columns = TABLE.to_pandas(), {"v": np.arange(3)}
        before = frame.copy()
        rows_of(ArrowSource(frame))
        rows_of(ArrowSource(columns))
        pd.testing.assert_frame_equal(frame, before)
        assert list(columns) == ["v"]

    def test_rows_without_an_id_are_numbered(self):
        source = ArrowSource({"v": [5, 6, 7]}, fragment_rows=2)
        assert ids_of(source) == [0, 1, 2]
        assert source.schema.names == ["row", "v"]

    def test_column_called_row_is_kept(self):
        source = ArrowSource({"row": [5, 6]})
        assert rows_of(source).to_pydict() == {"row_": [0, 1], "row": [5, 6]}
        assert ids_of(source) == [0, 1]

    def test_option_names_the_id_column(self):
        assert ids_of(open_source({"id": [1], "name": ["x"]}, id="name")) == ["x"]
        with pytest.raises(MissingColumn, match='column "nam" is missing'):
            ArrowSource({"name": ["x"]}, id="nam")

    @given(st.integers(0, 50), st.integers(1, 20), st.integers(1, 20), st.lists(st.integers(0, 50)))
    def test_every_row_comes_once_in_order(self, size, fragment_rows, rows, cuts):
        bounds = sorted({0, size, *(cut for cut in cuts if cut < size)})
        chunks = [pa.array(range(a, b), pa.int64()) for a, b in pairwise(bounds)]
        table = pa.table({"id": pa.chunked_array(chunks, pa.int64())})
        source = ArrowSource(table, fragment_rows=fragment_rows)
        fragments = source.fragments()
        assert len({f.id for f in fragments}) == len(fragments) == max(1, -(-size // fragment_rows))
        batches = [b for f in fragments for b in f.read(["id"], rows)]
        assert [i for b in batches for i in b.column("id").to_pylist()] == list(range(size))
        assert all(b.num_rows <= min(rows, fragment_rows) for b in batches)

    @pytest.mark.parametrize(
        ("columns", "expected"),
        [(None, ["id", "v"]), ([], ["id"]), (["v"], ["v", "id"]), (["v", "id"], ["v", "id"])],
    )
    def test_columns_that_are_asked_for_and_the_id_are_given(self, columns, expected):
        assert rows_of(ArrowSource(TABLE), columns).column_names == expected

    def test_missing_column_is_told(self):
        with pytest.raises(MissingColumn, match='column "w" is missing'):
            rows_of(ArrowSource(TABLE), ["w"])

    def test_batches_share_memory_with_the_table(self):
        values = pa.array(np.arange(1000))
        source = ArrowSource(pa.table({"id": values}), fragment_rows=500)
        (batch,) = source.fragments()[1].read(["id"], 1000)
        assert batch.column("id").buffers()[1].address == values.buffers()[1].address

    def test_pickled_fragment_holds_its_own_rows_only(self):
        table = pa.table({"id": np.arange(100_000), "s": [str(i) for i in range(100_000)]})
        fragment = ArrowSource(table, fragment_rows=10).fragments()[5]
        data = pickle.dumps(fragment)
        assert len(data) < 5000
        again = pickle.loads(data)
        assert again == fragment
        assert again.digest == fragment.digest

    @given(st.integers(0, 60), st.integers(1, 40))
    @settings(max_examples=25)
    def test_digest_depends_on_the_rows_not_on_how_they_lie(self, start, step):
        rows = range(100)
        table = pa.table(
            {
                "id": list(rows),
                "x": [None if i % 3 == 0 else i / 2 for i in rows],
                "b": [i % 2 == 0 for i in rows],
                "s": [str(i) for i in rows],
                "l": [[i] * (i % 4) for i in rows],
            }
        )
        part = table.slice(start, 30)
        chunked = pa.concat_tables([part.slice(a, step) for a in range(0, 30, step)])
        rebuilt = pa.Table.from_pylist(part.to_pylist(), schema=part.schema)
        digests = {ArrowSource(t).fragments()[0].digest for t in (part, chunked, rebuilt)}
        assert len(digests) == 1
        other = ArrowSource(table.slice(start + 1, 30)).fragments()[0].digest
        assert other not in digests

    def test_chunks_with_dictionaries_of_their_own_are_read(self):
        chunks = [pa.array(["a", "b"]).dictionary_encode(), pa.array(["c"]).dictionary_encode()]
        source = ArrowSource(pa.table({"id": [1, 2, 3], "d": pa.chunked_array(chunks)}))
        assert rows_of(source)["d"].to_pylist() == ["a", "b", "c"]
        assert source.fragments()[0].digest

    def test_empty_table_is_one_empty_fragment(self):
        (fragment,) = ArrowSource({"id": pa.array([], pa.int64())}).fragments()
        assert sum(b.num_rows for b in fragment.read(None, 9)) == 0
        assert fragment.digest

    def test_fragment_rows_is_checked(self):
        with pytest.raises(ConfigError, match="fragment_rows: 0 was given"):
            ArrowSource(TABLE, fragment_rows=0)


class TestOpenSource:
    def test_source_is_itself(self):
        source = ArrowSource(TABLE)
        assert open_source(source) is source

    def test_paths_of_every_kind_open_the_files(self, tmp_path):
        path = write(tmp_path / "a.parquet", TABLE)
        for given_ in (
            path,
            str(path),
            tmp_path,
            str(tmp_path / "*.parquet"),
            [path],
            (str(path),),
        ):
            assert ids_of(open_source(given_)) == [1, 2]

    def test_option_names_the_id_column(self, tmp_path):
        write(tmp_path / "a.parquet", {"id": [1], "name": ["x"]})
        assert ids_of(open_source(tmp_path, id="name")) == ["x"]

    def test_empty_list_is_told(self):
        with pytest.raises(DataError, match="an empty list of paths was given; give at least one"):
            open_source([])

    @pytest.mark.parametrize("name", ["a.csv", "a.fits", "a.PQX"])
    def test_file_of_another_format_says_what_to_do(self, tmp_path, name):
        (tmp_path / name).write_text("a,b")
        with pytest.raises(DataError, match=f'{name}" is no Parquet file; .*give that'):
            open_source(str(tmp_path / name))

    @pytest.mark.parametrize("name", ["a.parquet", "a.PARQUET", "a.pq", "a.parq", "part-0"])
    def test_usual_suffixes_and_none_are_parquet(self, tmp_path, name):
        assert ids_of(open_source(write(tmp_path / name, TABLE))) == [1, 2]

    def test_path_that_is_not_there_is_told(self, tmp_path):
        with pytest.raises(DataError, match="does not exist; give a file, a folder or a glob"):
            open_source(tmp_path / "absent.parquet").schema
