"""TokenBatch: a mapping of arrays that selects, joins, compares and travels."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenry_core import Field, FieldSpec, Spec, TokenBatch
from tokenry_core.errors import DataError, ShapeError

DTYPES = {"discrete": ["uint8", "uint16", "uint32"], "dense": ["float16", "float32", "float64"]}


@st.composite
def specs(draw):
    fields = []
    for number in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["discrete", "dense"]))
        event = tuple(draw(st.lists(st.integers(1, 3), max_size=2)))
        codes = 200 if kind == "discrete" else 0
        dtype = draw(st.sampled_from(DTYPES[kind]))
        fields.append(FieldSpec(f"f{number}", kind, dtype, event, draw(st.booleans()), codes))
    return Spec(tuple(fields), heavy=draw(st.booleans()))


@st.composite
def batches(draw, spec=None, rows=None):
    spec = draw(specs()) if spec is None else spec
    rows = draw(st.integers(0, 6)) if rows is None else rows
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    fields = {field.name: any_field(field, rows, random) for field in spec.fields}
    ids = random.integers(-(2**63), 2**63 - 1, rows)
    if draw(st.booleans()):
        ids = [f"é{i}" for i in ids]
    ids = pa.array(ids, pa.string() if isinstance(ids, list) else pa.int64())
    meta = {"N": 8, "cols": ["a", "b"], "scale": 0.5}
    return TokenBatch(spec, fields, ids, "source_id", meta, {"missing": rows})


def any_field(spec, rows, random):
    indptr = None
    if spec.ragged:
        indptr = np.concatenate([[0], np.cumsum(random.integers(0, 4, rows))]).astype(np.int64)
        rows = int(indptr[-1])
    values = random.integers(0, 201, (rows, *spec.event)).astype(spec.dtype)
    if spec.kind == "dense":
        values = values / np.asarray(7, spec.dtype)
        values[random.random(values.shape) < 0.2] = np.nan
    return Field(values, indptr)


def row_lists(batch):
    """The definition: each row as plain lists, in which NaN equals NaN."""
    out = [{"id": i} for i in batch.ids.to_pylist()]
    for name, (values, indptr) in batch.fields.items():
        parts = values if indptr is None else np.split(values, indptr[1:-1]) if len(out) else []
        for row, part in zip(out, parts, strict=True):
            row[name] = str(np.asarray(part).tolist())
    return out


@given(batches())
def test_batch_is_a_mapping_of_its_keys(batch):
    assert isinstance(batch, Mapping)
    keys = list(batch)
    assert len(batch) == len(keys) == len(set(keys))
    assert all(key in batch for key in keys)
    for spec in batch.spec.fields:
        assert batch[spec.keys[0]] is batch.fields[spec.name].values
    with pytest.raises(KeyError):
        batch["no such key"]


@given(batches(), st.data())
def test_selection_is_that_of_rows(batch, data):
    keep = data.draw(st.lists(st.booleans(), min_size=batch.rows, max_size=batch.rows))
    expected = [row for row, kept in zip(row_lists(batch), keep, strict=True) if kept]
    assert row_lists(batch.select(np.array(keep, bool))) == expected


@given(specs().flatmap(lambda spec: st.lists(batches(spec), min_size=1, max_size=4)))
def test_concatenation_is_that_of_rows(parts):
    if len({str(part.ids.type) for part in parts if part.rows}) > 1:
        with pytest.raises(DataError, match=r"int64, string cannot be joined"):
            TokenBatch.concat(parts)
        return
    whole = TokenBatch.concat(parts)
    assert row_lists(whole) == [row for part in parts for row in row_lists(part)]
    assert whole.counts["missing"] == whole.rows


@given(batches())
def test_batch_equals_its_copies(batch):
    for again in (copy.deepcopy(batch), pickle.loads(pickle.dumps(batch))):
        assert again == batch
        assert again.meta == batch.meta


@given(batches(rows=3))
def test_batch_differs_from_another(batch):
    assert batch != batch.select(np.array([True, True, False]))
    parts = batch.spec, batch.fields, batch.ids
    assert batch != TokenBatch(*parts, "other", batch.meta, batch.counts)
    assert batch != TokenBatch(*parts, batch.id_col, {**batch.meta, "N": 9}, batch.counts)
    assert batch != TokenBatch(*parts, batch.id_col, batch.meta, {})
    assert batch != "batch"


def test_one_value_makes_a_difference():
    spec = Spec((FieldSpec("a", "dense", "float32", ragged=True),))
    make = lambda values, indptr: TokenBatch(  # noqa: E731
        spec, {"a": Field(np.array(values, np.float32), np.array(indptr))}, [1, 2]
    )
    assert make([1, np.nan], [0, 1, 2]) == make([1, np.nan], [0, 1, 2])
    assert make([1, 2], [0, 1, 2]) != make([1, 3], [0, 1, 2])
    assert make([1, 2], [0, 1, 2]) != make([1, 2], [0, 2, 2])


def test_rows_without_ids_of_a_type_join_any():
    spec = Spec((FieldSpec.tokens("a", codes=3),))
    none = TokenBatch(spec, {"a": Field(np.zeros(0, np.uint16))}, [])
    some = TokenBatch(spec, {"a": Field(np.zeros(1, np.uint16))}, ["x"])
    assert TokenBatch.concat([none, some, none]).ids.to_pylist() == ["x"]
    assert TokenBatch.concat([none, none]).rows == 0


def test_batches_of_different_specs_do_not_join():
    one, other = (
        TokenBatch(
            Spec((FieldSpec.tokens("a", codes=codes),)), {"a": Field(np.zeros(1, np.uint16))}, [1]
        )
        for codes in (3, 4)
    )
    with pytest.raises(DataError, match="only batches of one spec"):
        TokenBatch.concat([one, other])
    with pytest.raises(DataError, match="at least one"):
        TokenBatch.concat([])


SPEC = Spec(
    (FieldSpec.tokens("a", codes=3, event=(2,)), FieldSpec.tokens("b", codes=3, ragged=True))
)
GOOD_A = Field(np.zeros((2, 2), np.uint16))
GOOD_B = Field(np.zeros(3, np.uint16), np.array([0, 1, 3]))


@pytest.mark.parametrize(
    ("name", "field", "message"),
    [
        ("a", Field(np.zeros((2, 2), np.int64)), 'field "a" is int64'),
        ("a", Field(np.zeros((2, 3), np.uint16)), r"shape \(2, 3\)"),
        ("a", Field(np.zeros((3, 2), np.uint16)), 'field "a" has 3 rows; there are 2 ids'),
        ("a", Field(np.zeros((2, 2), np.uint16), np.array([0, 1, 2])), "indptr was given"),
        ("b", Field(np.zeros(2, np.uint16)), "indptr was not given"),
        ("b", Field(np.zeros(3, np.uint16), np.array([0, 3])), 'field "b" has 1 rows'),
        ("b", Field(np.zeros(3, np.uint16), np.array([], np.int64)), 'field "b" has -1 rows'),
        ("b", Field(np.zeros(3, np.uint16), np.array([0, 2, 2])), "rise from 0 to 3"),
        ("b", Field(np.zeros(3, np.uint16), np.array([1, 2, 3])), "rise from 0 to 3"),
        ("b", Field(np.zeros(3, np.uint16), np.array([0, 4, 3])), "rise from 0 to 3"),
        ("b", Field(np.zeros(3, np.uint16), np.array([0, 1, 3], np.int32)), "int64"),
    ],
)
def test_field_that_is_not_as_its_spec_is_refused(name, field, message):
    with pytest.raises(ShapeError, match=message):
        TokenBatch(SPEC, {"a": GOOD_A, "b": GOOD_B, name: field}, [1, 2])


@pytest.mark.parametrize("fields", [{"a": GOOD_A}, {"a": GOOD_A, "b": GOOD_B, "c": GOOD_A}])
def test_fields_have_to_be_those_of_the_spec(fields):
    with pytest.raises(DataError, match=r"the spec has \['a', 'b'\]"):
        TokenBatch(SPEC, fields, [1, 2])


def test_id_column_must_not_have_a_fields_name():
    with pytest.raises(DataError, match='the id column "a" has the name of a field'):
        TokenBatch(SPEC, {"a": GOOD_A, "b": GOOD_B}, [1, 2], "a")


def test_ids_may_be_null_where_arrow_keeps_them():
    batch = TokenBatch(SPEC, {"a": GOOD_A, "b": GOOD_B}, pa.array([1, None]))
    assert batch.ids.to_pylist() == [1, None]
    with pytest.raises(DataError, match=r"use \.ids"):
        batch["ids"]


def test_counts_may_come_from_numpy():
    counts = {"missing": np.int64(3), "clipped": np.bool_(True)}
    batch = TokenBatch(SPEC, {"a": GOOD_A, "b": GOOD_B}, [1, 2], counts=counts)
    assert TokenBatch.from_arrow(batch.to_arrow()).counts == {"missing": 3, "clipped": 1}


def test_mask_of_another_length_is_refused():
    batch = TokenBatch(SPEC, {"a": GOOD_A, "b": GOOD_B}, [1, 2])
    with pytest.raises(ShapeError, match="the batch has 2 rows"):
        batch.select(np.ones(3, bool))


@settings(max_examples=30)
@given(batches())
def test_torch_tensors_are_writable_and_equal(batch):
    again = TokenBatch.from_arrow(batch.to_arrow())  # what Arrow lends is read-only
    tensors = again.to_torch()
    for spec in batch.spec.fields:
        values, *indptr = (tensors[key].numpy() for key in spec.keys)
        np.testing.assert_array_equal(values, batch[spec.keys[0]])
        assert values.dtype == (np.int64 if spec.kind == "discrete" else spec.dtype)
        assert all(array.dtype == np.int64 for array in indptr)
        tensors[spec.keys[0]].zero_()
    assert again == batch


def test_repr_shows_keys_and_shapes():
    batch = TokenBatch(SPEC, {"a": GOOD_A, "b": GOOD_B}, [1, 2])
    assert repr(batch).startswith("TokenBatch(2 rows; a: (2, 2), b_flat: (3,), b_indptr: (3,)")
