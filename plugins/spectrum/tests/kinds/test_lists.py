import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenry_core.errors import DataError
from tokenry_spectrum._lists import read_lists

CELLS = st.lists(
    st.one_of(st.none(), st.lists(st.one_of(st.none(), st.floats(-9, 9, width=32)), max_size=5)),
    max_size=9,
)


@settings(deadline=None)
@given(CELLS, st.integers(0, 4), st.sampled_from(["list", "large_list", "list_view"]))
def test_offsets_say_what_a_loop_over_rows_says(cells, start, kind):
    column = pa.array(cells, pa.list_(pa.float32()))
    if kind == "large_list":
        column = column.cast(pa.large_list(pa.float32()))
    if kind == "list_view":
        column = pa.array(cells, pa.list_view(pa.float32()))
    batch = pa.record_batch({"flux": column}).slice(start)
    found = read_lists(batch, ["flux"])
    rows = cells[start:]
    assert found.lengths.tolist() == [len(row or ()) for row in rows]
    assert found.present.tolist() == [row is not None for row in rows]
    flat = [np.nan if v is None else v for row in rows for v in row or ()]
    assert np.array_equal(found.values[0], np.array(flat, np.float32), equal_nan=True)


def test_values_under_a_null_row_are_left_out():
    values = pa.array([1.0, 2.0, 3.0, 4.0])
    offsets = pa.array([0, 2, 4])
    column = pa.ListArray.from_arrays(offsets, values, mask=pa.array([True, False]))
    found = read_lists(pa.record_batch({"flux": column}), ["flux"])
    assert found.values[0].tolist() == [3.0, 4.0]


def test_fixed_size_lists_know_their_length():
    column = pa.array([None, [1.0, 2.0]], pa.list_(pa.float32(), 2))
    found = read_lists(pa.record_batch({"flux": column}), ["flux"])
    assert found.length == 2
    assert found.lengths.tolist() == [0, 2]


def test_a_row_that_lacks_one_column_has_no_points():
    batch = pa.record_batch({"flux": [[1.0], None, [3.0]], "ivar": [[1.0], [2.0], [9.0]]})
    found = read_lists(batch, ["flux", "ivar"])
    assert [values.tolist() for values in found.values] == [[1.0, 3.0], [1.0, 9.0]]
    assert not found.bad


def test_lists_of_different_length_are_a_bad_row():
    batch = pa.record_batch({"flux": [[1.0], [1.0, 2.0]], "ivar": [[1.0], []]})
    found = read_lists(batch, ["flux", "ivar"])
    assert found.bad == {1: "flux has 2 points, ivar has 0 points"}


def test_nothing_is_copied_where_arrow_has_what_is_needed():
    values = np.arange(6, dtype=np.float32)
    column = pa.ListArray.from_arrays(pa.array([0, 3, 6], pa.int32()), pa.array(values))
    found = read_lists(pa.record_batch({"flux": column}), ["flux"])
    assert np.shares_memory(found.values[0], values)


@pytest.mark.parametrize(
    "column",
    [pa.array([1.0]), pa.array(["x"]), pa.array([["x"]]), pa.array([[[1.0]]])],
    ids=["number", "text", "list of text", "list of lists"],
)
def test_another_type_is_refused(column):
    with pytest.raises(DataError, match="a list of numbers per row"):
        read_lists(pa.record_batch({"flux": column}), ["flux"])


@pytest.mark.parametrize("kind", [pa.int16(), pa.float16(), pa.float64(), pa.decimal128(20, 2)])
def test_all_numbers_are_read(kind):
    column = pa.array([[1, 2]], pa.list_(pa.int32())).cast(pa.list_(kind))
    assert read_lists(pa.record_batch({"flux": column}), ["flux"]).values[0].tolist() == [1, 2]
