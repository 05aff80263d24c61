"""Arrow columns become floats, or are refused by name."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from tokenry_core.errors import DataError, MissingColumn
from tokenry_scalar._columns import column_floats, scalar_columns

DAYS = [dt.date(1970, 1, 2), None]
TIMES = [dt.datetime(1970, 1, 1, 0, 0, 1), None]
TAKEN = {
    "float16": (pa.array(np.array([1.5, 2.5], np.float16)), np.float32, [1.5, 2.5]),
    "float32": (pa.array([0.1, None], pa.float32()), np.float32, [np.float32(0.1), np.nan]),
    "float64": (pa.array([0.1, None]), np.float64, [0.1, np.nan]),
    "int8": (pa.array([1, None], pa.int8()), np.float32, [1.0, np.nan]),
    "uint16": (pa.array([65535, 0], pa.uint16()), np.float32, [65535.0, 0.0]),
    "int32": (pa.array([2**31 - 1, None], pa.int32()), np.float64, [2.0**31 - 1, np.nan]),
    "int64": (pa.array([2**53, -(2**53)]), np.float64, [2.0**53, -(2.0**53)]),
    "uint64": (pa.array([2**53, None], pa.uint64()), np.float64, [2.0**53, np.nan]),
    "decimal": (pa.array([Decimal("1.25"), None]), np.float64, [1.25, np.nan]),
    "date": (pa.array(DAYS), np.float64, [1.0, np.nan]),
    "timestamp": (pa.array(TIMES, pa.timestamp("us")), np.float64, [1e6, np.nan]),
    "duration": (pa.array([5, None], pa.duration("s")), np.float64, [5.0, np.nan]),
    "dictionary": (pa.array([0.5, None, 0.5]).dictionary_encode(), np.float64, [0.5, np.nan, 0.5]),
    "null": (pa.nulls(2), np.float32, [np.nan, np.nan]),
}


@pytest.mark.parametrize("kind", TAKEN)
def test_numbers_and_dates_are_taken(kind):
    column, dtype, expected = TAKEN[kind]
    found = column_floats("x", column, booleans=False)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, expected)
    assert not found.flags.writeable


def test_floats_without_nulls_are_not_copied():
    values = np.arange(5.0)
    assert np.shares_memory(column_floats("x", pa.array(values), booleans=False), values)


def test_slices_are_read_at_their_offset():
    column = pa.array([9.0, 1.0, None, 3.0])[1:]
    assert column_floats("x", column, booleans=False).tolist()[::2] == [1.0, 3.0]


@pytest.mark.parametrize(
    ("column", "named"),
    [
        (pa.array(["a"]), "string"),
        (pa.array([[1.0]]), "list"),
        (pa.array([True]), "booleans=True"),
        (pa.array([b"a"]), "binary"),
        (pa.array(["a"]).dictionary_encode(), "string"),
    ],
    ids=["text", "list", "boolean", "bytes", "dictionary"],
)
def test_other_types_are_refused_by_name(column, named):
    with pytest.raises(DataError, match=rf'"flag".*{named}'):
        column_floats("flag", column, booleans=False)
    with pytest.raises(DataError, match=rf'"flag".*{named}'):
        scalar_columns(pa.schema({"flag": column.type}), ("flag",), False)


def test_booleans_are_taken_when_allowed():
    found = column_floats("x", pa.array([True, None, False]), booleans=True)
    np.testing.assert_array_equal(found, [1.0, np.nan, 0.0])


@pytest.mark.parametrize("value", [2**53 + 1, -(2**60)])
def test_integers_that_would_lose_digits_are_refused_by_name(value):
    with pytest.raises(DataError, match=rf'"source_id".*{value}.*digits'):
        column_floats("source_id", pa.array([1, value, None]), booleans=False)


def test_nanoseconds_since_1970_are_refused():
    column = pa.array([dt.datetime(2026, 1, 1)], pa.timestamp("ns"))
    with pytest.raises(DataError, match="coarser unit"):
        column_floats("seen", column, booleans=False)


def test_columns_default_to_numbers_but_the_id():
    schema = pa.schema({"id": pa.int64(), "g": pa.float32(), "name": pa.string(), "n": pa.int8()})
    assert scalar_columns(schema, None, False) == ["g", "n"]
    with pytest.raises(MissingColumn, match="no column holds numbers"):
        scalar_columns(pa.schema({"id": pa.int64(), "name": pa.string()}), None, False)
