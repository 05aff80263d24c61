import json
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenry_core import JsonlSource, batch_ids, open_source
from tokenry_core.errors import DataError, MissingColumn
from tokenry_core.testing import DataSourceTests, SourceCase


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def rows_of(source, columns=None, rows=1000):
    return [
        row
        for fragment in source.fragments()
        for batch in fragment.read(columns, rows)
        for row in batch.to_pylist()
    ]


class TestContract(DataSourceTests):
    @pytest.fixture
    def case(self, tmp_path):
        sources = []
        for name, last in (("one", 5), ("two", 6)):
            write(tmp_path / name / "a.jsonl", [{"id": i, "x": [i, 1]} for i in range(20)])
            write(tmp_path / name / "b.jsonl", [{"id": 99, "x": [last]}])
            sources.append(JsonlSource(path=str(tmp_path / name), fragment_bytes=100))
        return SourceCase(sources[0], changed=sources[1])


@settings(max_examples=40, deadline=None)
@given(
    names=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=9), min_size=1),
    fragment_bytes=st.integers(1, 300),
    rows=st.integers(1, 7),
)
def test_every_line_is_a_row_in_order(tmp_path_factory, names, fragment_bytes, rows):
    path = tmp_path_factory.mktemp("jsonl") / "a.jsonl"
    expected = [{"id": 2**60 + i, "name": name} for i, name in enumerate(names)]
    write(path, expected)
    source = JsonlSource(path=str(path), fragment_bytes=fragment_bytes)
    assert rows_of(source, rows=rows) == expected


def test_rows_without_id_are_named_by_file_and_line(tmp_path):
    path = write(tmp_path / "a.jsonl", [{"x": i} for i in range(9)])
    source = JsonlSource(path=str(path), fragment_bytes=20)
    batches = [batch for f in source.fragments() for batch in f.read(["x"], 2)]
    assert [i for batch in batches for i in batch_ids(batch)[0].to_pylist()] == [
        f"a.jsonl:{i}" for i in range(9)
    ]


def test_last_line_needs_no_end(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 1}\n\n{"id": 2}')
    assert rows_of(JsonlSource(path=str(path))) == [{"id": 1}, {"id": 2}]


def test_key_that_a_line_lacks_is_null_and_one_too_many_is_ignored(tmp_path):
    write(tmp_path / "a.jsonl", [{"id": 1, "x": 1}])
    write(tmp_path / "b.jsonl", [{"id": 2, "y": 1}])
    assert rows_of(JsonlSource(path=str(tmp_path)))[1] == {"id": 2, "x": None}


@pytest.mark.parametrize("line", ['{"id": ', '{"id": "one"}', "[1, 2]", "\x00"], ids=repr)
def test_broken_line_fails_its_fragment_alone(tmp_path, line):
    write(tmp_path / "a.jsonl", [{"id": 1}])
    (tmp_path / "b.jsonl").write_text(line + "\n")
    first, second = JsonlSource(path=str(tmp_path)).fragments()
    assert [batch.num_rows for batch in first.read(None, 9)] == [1]
    with pytest.raises(DataError, match=r"b\.jsonl: from line 0 on"):
        list(pickle.loads(pickle.dumps(second)).read(None, 9))


def test_missing_column_is_named(tmp_path):
    write(tmp_path / "a.jsonl", [{"id": 1, "mag_r": 2}])
    (fragment,) = JsonlSource(path=str(tmp_path)).fragments()
    with pytest.raises(MissingColumn, match='"mag_g" is missing'):
        next(fragment.read(["mag_g"], 9))


def test_empty_first_file_says_so(tmp_path):
    (tmp_path / "a.jsonl").touch()
    with pytest.raises(DataError, match="it has no line"):
        JsonlSource(path=str(tmp_path)).schema


def test_empty_later_file_has_an_empty_batch(tmp_path):
    write(tmp_path / "a.jsonl", [{"id": 1}])
    (tmp_path / "b.jsonl").touch()
    _, second = JsonlSource(path=str(tmp_path)).fragments()
    assert [batch.num_rows for batch in second.read(None, 9)] == [0]


def test_path_of_jsonl_opens_as_such(tmp_path):
    path = write(tmp_path / "a.jsonl", [{"id": 1}])
    assert isinstance(open_source(path), JsonlSource)
