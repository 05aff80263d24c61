"""Tokens go to Arrow and back unchanged, whole or in slices, through files or memory."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenry_core import Field, FieldSpec, Spec, TokenBatch
from tokenry_core.errors import DataError


@st.composite
def batches(draw):
    rows = draw(st.integers(0, 7))
    event = tuple(draw(st.lists(st.integers(1, 3), max_size=2)))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    indptr = np.concatenate([[0], np.cumsum(random.integers(0, 4, rows))]).astype(np.int64)
    points = int(indptr[-1])
    spec = Spec(
        (
            FieldSpec.tokens("flat", codes=9, event=event),
            FieldSpec.tokens("words", codes=70_000, event=event, ragged=True),
            FieldSpec("bright", "dense", "float32", event, exact=False, tolerance=1e-3),
            FieldSpec("patches", "dense", "float16", event, ragged=True),
        )
    )
    fields = {
        "flat": Field(random.integers(0, 10, (rows, *event)).astype(np.uint16)),
        "words": Field(random.integers(0, 70_001, (points, *event)).astype(np.uint32), indptr),
        "bright": Field(random.normal(size=(rows, *event)).astype(np.float32)),
        "patches": Field(random.normal(size=(points, *event)).astype(np.float16), indptr),
    }
    ids = pa.array(random.integers(0, 2**62, rows), pa.int64())
    meta = {"N": 3, "names": ["x", "y"], "edges": [0.5, 1.5], "on": True}
    return TokenBatch(spec, fields, ids, "gaia_source_id", meta, {"missing": 2})


@given(batches())
def test_round_trip_keeps_everything(batch):
    again = TokenBatch.from_arrow(batch.to_arrow())
    assert again == batch
    assert set(again) == set(batch)


@given(batches(), st.data())
def test_slices_hold_their_own_rows(batch, data):
    start = data.draw(st.integers(0, batch.rows))
    count = data.draw(st.integers(0, batch.rows))
    rows = np.arange(batch.rows)
    expected = batch.select((rows >= start) & (rows < start + count))
    assert TokenBatch.from_arrow(batch.to_arrow().slice(start, count)) == expected


@given(batches())
def test_reordered_rows_keep_their_tokens(batch):
    order = np.arange(batch.rows)[::-1]
    rows = [batch.select(np.arange(batch.rows) == i) for i in order]
    taken = TokenBatch.from_arrow(batch.to_arrow().take(pa.array(order)))
    for row, expected in enumerate(rows):
        got = taken.select(np.arange(batch.rows) == row)
        assert got == expected


@settings(max_examples=30)
@given(batches())
def test_parquet_keeps_everything(batch):
    file = io.BytesIO()
    pq.write_table(pa.Table.from_batches([batch.to_arrow()]), file)
    table = pq.read_table(file).combine_chunks()
    (read,) = table.to_batches() or [batch.to_arrow()]
    assert TokenBatch.from_arrow(read) == batch


@settings(max_examples=30)
@given(batches())
def test_chunks_joined_by_arrow_are_one_batch(batch):
    table = pa.Table.from_batches([batch.to_arrow(), batch.to_arrow().slice(1), batch.to_arrow()])
    rows = np.arange(batch.rows)
    parts = [batch, batch.select(rows >= 1), batch]
    joined = table.combine_chunks().to_batches()
    if joined:
        again = TokenBatch.from_arrow(joined[0])
        assert again.to_arrow() == TokenBatch.concat(parts).to_arrow()


def test_values_are_not_copied():
    values = np.arange(6, dtype=np.uint16).reshape(3, 2)
    indptr = np.array([0, 1, 3, 3])
    tokens = FieldSpec.tokens("a", codes=9, event=(2,))
    spec = Spec((tokens, FieldSpec.tokens("b", codes=9, event=(2,), ragged=True)))
    batch = TokenBatch(spec, {"a": Field(values), "b": Field(values, indptr)}, [1, 2, 3])
    again = TokenBatch.from_arrow(batch.to_arrow())
    assert np.shares_memory(again["a"], values)
    assert np.shares_memory(again["b_flat"], values)
    assert np.shares_memory(batch.to_arrow()["b"].offsets.to_numpy(), indptr)


def test_values_that_are_not_contiguous_are_taken():
    values = np.arange(12, dtype=np.uint16).reshape(2, 6)[:, ::3]
    spec = Spec((FieldSpec.tokens("a", codes=99, event=(2,)),))
    batch = TokenBatch(spec, {"a": Field(values)}, [1, 2])
    assert TokenBatch.from_arrow(batch.to_arrow())["a"].tolist() == [[0, 3], [6, 9]]


def test_columns_are_what_readers_expect():
    spec = Spec(
        (
            FieldSpec.tokens("one", codes=9),
            FieldSpec.tokens("two", codes=9, event=(2, 2)),
            FieldSpec("many", "dense", "float32", (3,), ragged=True),
        )
    )
    fields = {
        "one": Field(np.zeros(1, np.uint16)),
        "two": Field(np.zeros((1, 2, 2), np.uint16)),
        "many": Field(np.zeros((0, 3), np.float32), np.array([0, 0])),
    }
    schema = TokenBatch(spec, fields, ["x"], "name").to_arrow().schema
    assert schema.names == ["name", "one", "two", "many"]
    assert schema.field("one").type == pa.uint16()
    assert schema.field("two").type == pa.list_(element(pa.uint16()), 4)
    assert schema.field("many").type == pa.large_list(element(pa.list_(element(pa.float32()), 3)))
    assert not any(field.nullable for field in schema if field.name != "name")


def element(kind):
    return pa.field("element", kind, nullable=False)


def test_tables_of_others_are_refused():
    with pytest.raises(DataError, match=r"not written by Tokenry.*\['g'\]"):
        TokenBatch.from_arrow(pa.record_batch({"g": [1.0]}))
