"""Ids are found, kept and hashed, whatever their type and wherever their row stands."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenry_core import batch_ids, file_of, mark, mix, require, row_keys
from tokenry_core.errors import DataError, MissingColumn

TEXTS = [pa.string(), pa.large_string(), pa.string_view()]
INTEGERS = [pa.int8(), pa.uint8(), pa.int32(), pa.uint32(), pa.int64(), pa.uint64()]


@pytest.mark.parametrize("name", ["id", "gaia_source_id", "source_id"])
def test_known_id_columns_are_found(name):
    ids, found = batch_ids(pa.record_batch({"g": [0.1], name: [7]}))
    assert (ids.to_pylist(), found) == ([7], name)


def test_marked_id_column_comes_first():
    batch = mark(pa.record_batch({"id": [1], "name": ["x"]}), id_col="name")
    assert batch_ids(batch)[1] == "name"


def test_marked_id_column_that_was_dropped_is_named():
    batch = mark(pa.record_batch({"id": [1], "name": ["x"]}), id_col="name").select(["id"])
    with pytest.raises(MissingColumn, match='"name" is missing'):
        batch_ids(batch)


def test_rows_without_ids_are_numbered():
    ids, name = batch_ids(pa.record_batch({"g": [0.1, 0.2]}))
    assert (ids.to_pylist(), name) == ([0, 1], "row")


@pytest.mark.parametrize("kind", [pa.float64(), pa.bool_(), pa.date32(), pa.list_(pa.int64())])
def test_ids_of_other_types_are_refused(kind):
    with pytest.raises(DataError, match=r'id column "id" is .*ids are integers or strings'):
        batch_ids(pa.record_batch({"id": pa.nulls(1, kind)}))


def test_dictionary_ids_are_decoded():
    batch = pa.record_batch({"id": pa.array(["a", "b", "a"]).dictionary_encode()})
    assert batch_ids(batch)[0].to_pylist() == ["a", "b", "a"]


def test_marks_add_up_and_leave_the_rest():
    schema = pa.schema([("id", pa.int64())], metadata={b"theirs": b"kept"})
    batch = pa.record_batch({"id": [1]}, schema=schema)
    marked = mark(mark(batch, file="a.parquet"), id_col="id")
    assert file_of(marked) == "a.parquet"
    assert marked.schema.metadata[b"theirs"] == b"kept"
    assert batch.schema.metadata == {b"theirs": b"kept"}
    assert file_of(batch) == ""


@given(st.lists(st.text(max_size=8), max_size=12), st.data())
def test_text_keys_depend_on_the_text_alone(texts, data):
    expected = {text: int(row_keys(pa.record_batch({"id": [text]}))[0]) for text in texts}
    start = data.draw(st.integers(0, len(texts)))
    for kind in [*TEXTS, pa.dictionary(pa.int32(), pa.string())]:
        array = pa.array(texts, pa.string()).cast(kind)
        for batch in (
            pa.record_batch({"id": array}).slice(start),
            pa.record_batch({"id": array.slice(start)}),
        ):
            assert row_keys(batch).tolist() == [expected[text] for text in texts[start:]]


@given(st.lists(st.integers(0, 127), max_size=12))
def test_integer_keys_depend_on_the_number_alone(numbers):
    expected = row_keys(pa.record_batch({"id": pa.array(numbers, pa.int64())}))
    for kind in INTEGERS:
        keys = row_keys(pa.record_batch({"id": pa.array(numbers, kind)}))
        assert keys.dtype == np.uint64
        assert keys.tolist() == expected.tolist()


@given(st.sets(st.integers(-(2**63), 2**63 - 1), max_size=30))
def test_different_integers_have_different_keys(numbers):
    keys = row_keys(pa.record_batch({"id": pa.array(sorted(numbers), pa.int64())}))
    assert len(set(keys.tolist())) == len(numbers)


def test_similar_texts_have_different_keys():
    texts = [a + b + c for a in "ab\0" for b in "ab\0" for c in ("", "a", "b", "\0")]
    texts += [f"{i}" for i in range(20_000)] + [f"tile_{i:05d}" for i in range(20_000)] + [""]
    texts = sorted(set(texts))
    assert len(set(row_keys(pa.record_batch({"id": texts})).tolist())) == len(texts)


@pytest.mark.parametrize("ids", [np.arange(100_000), [f"s{i}" for i in range(100_000)]])
def test_keys_are_spread_evenly(ids):
    keys = row_keys(pa.record_batch({"id": ids}))
    for shift in (0, 32, 59):
        counts = np.bincount((keys >> np.uint64(shift)) % np.uint64(32), minlength=32)
        assert ((counts - 3125) ** 2 / 3125).sum() < 80  # chi-square, 31 degrees: p < 1e-5


@pytest.mark.parametrize("kind", [*TEXTS, *INTEGERS])
def test_no_rows_have_no_keys(kind):
    assert row_keys(pa.record_batch({"id": pa.array([], kind)})).shape == (0,)


def test_rows_with_null_ids_have_no_key():
    with pytest.raises(DataError, match="1 ids are null"):
        row_keys(pa.record_batch({"id": [1, None]}))


def test_ids_are_not_written_to():
    numbers = np.arange(5)
    keys = row_keys(pa.record_batch({"id": numbers}))
    keys[...] = 0
    assert numbers.tolist() == [0, 1, 2, 3, 4]


def test_mix_depends_on_the_seed():
    values = np.arange(1000, dtype=np.uint64)
    assert not set(mix(values, 0).tolist()) & set(mix(values, 1).tolist())


def test_mix_is_splitmix64():
    # From state 0, SplitMix64 begins E220A8397B1DCDAF, 6E789E6AA1B965F4, 06C45D188009454F, ...;
    # a seed skips an even number of outputs.
    zero = np.zeros(1, np.uint64)
    assert int(mix(zero)[0]) == 0xE220A8397B1DCDAF
    assert int(mix(zero, 1)[0]) == 0x06C45D188009454F


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["mag_g"], r'column "mag_g" is missing; there are: mag_r, id\. Did you mean "mag_r"\?'),
        (["x", "id", "y"], 'columns "x", "y" are missing'),
    ],
)
def test_missing_columns_are_named(names, message):
    with pytest.raises(MissingColumn, match=message):
        require(pa.schema({"mag_r": pa.float32(), "id": pa.int64()}), names)


def test_schema_without_columns_says_so():
    with pytest.raises(MissingColumn, match="there are: no columns"):
        require(pa.schema([]), ["g"])
