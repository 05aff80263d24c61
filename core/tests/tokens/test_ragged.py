import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenry_core import Field
from tokenry_core.errors import ConfigError, ShapeError
from tokenry_core.tokens import Ragged, Tokens


def ragged(lengths, *event, size=None):
    indptr = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    values = np.arange(1, 1 + indptr[-1] * int(np.prod(event))).reshape(-1, *event)
    return Ragged(values.astype(np.float32), indptr, size)


def looped(rows, size):
    out = np.full((len(rows), size, *rows.values.shape[1:]), -1, np.float32)
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return out


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 4), max_size=5), st.sampled_from([(), (2,), (2, 3)]), st.integers(0, 2)
)
def test_padded_rows_equal_the_loop(lengths, event, more):
    size = max(lengths, default=0) + more
    rows = ragged(lengths, *event, size=size)
    np.testing.assert_array_equal(rows.padded(-1), looped(rows, size))


def test_padding_in_every_library(library):
    plain = ragged([2, 0, 3], 2)
    rows = Ragged(library.array(plain.values), library.array(plain.indptr))
    np.testing.assert_array_equal(np.asarray(rows.padded(-1)), looped(plain, 3))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_ragged_fields_are_assembled_as_the_loop_does(data):
    rows = data.draw(st.integers(0, 4))
    events = [(), (2,), (3, 2)]
    lengths = st.lists(st.integers(0, 3), min_size=rows, max_size=rows)
    fields = {str(i): ragged(data.draw(lengths), *events[i]) for i in range(3)}
    fixed = np.ones((rows, 2), np.float32)
    tokens = Tokens.from_pytree({**fields, "fixed": fixed}, batch_ndims=0, pad_value=-1)
    parts = [looped(r, r.longest).reshape(rows, int(np.prod(r.shape[1:]))) for r in fields.values()]
    np.testing.assert_array_equal(tokens.data[..., 0], np.concatenate([*parts, fixed], 1))
    np.testing.assert_array_equal(tokens.padding_mask, tokens.data[..., 0] != -1)


@pytest.mark.filterwarnings("ignore::tokenry_core.tokens.PaddingWarning")
@pytest.mark.parametrize("width", [2, 5])
def test_ragged_vectors_may_be_the_widest_key_or_not(library, width):
    plain = ragged([2, 0, 3], width)
    rows = Ragged(library.array(plain.values), library.array(plain.indptr))
    fixed = library.array(np.full((3, 1, 3), 9, np.float32))
    tokens = Tokens.from_pytree({"fixed": fixed, "rows": rows}, pad_value=-1)
    found = np.asarray(tokens.data)
    np.testing.assert_array_equal(found[:, 1:, :width], looped(plain, 3))
    np.testing.assert_array_equal(found[:, 0, :3], np.full((3, 3), 9))
    assert (found[:, 1:, width:] == -1).all()
    assert (found[:, 0, 3:] == -1).all()


def test_whole_numbers_and_fractions_share_a_dtype():
    rows = Ragged(np.array([[1, 2], [3, 4]], np.int16), np.array([0, 2]))
    tokens = Tokens.from_pytree({"rows": rows, "fixed": np.full((1, 1, 2), 0.5, np.float32)})
    assert tokens.data.tolist() == [[[1, 2], [3, 4], [0.5, 0.5]]]


def test_a_size_keeps_the_structure_equal_from_batch_to_batch():
    layouts = [Tokens.from_pytree({"a": ragged(n, 2, size=4)}).layout for n in ([1, 2], [4, 0])]
    assert layouts[0] == layouts[1]


def test_a_row_longer_than_the_size_is_refused():
    with pytest.raises(ShapeError, match="A row has 3 values, more than the size 2"):
        ragged([3], size=2).padded()


@pytest.mark.parametrize("indptr", [[0, 2], [1, 3], [0, 2, 1, 3]])
def test_an_indptr_that_does_not_rise_to_the_end_is_refused(indptr):
    with pytest.raises(ShapeError, match="must rise from 0 to the 3 values"):
        Ragged(np.ones(3), np.array(indptr))
    with pytest.raises(ShapeError, match=r"it is \(rows \+ 1,\)"):
        Ragged(np.ones(3), np.array([indptr]))


def test_rows_are_read_one_by_one():
    rows = ragged([2, 0, 1])
    assert [row.tolist() for row in rows] == [[1, 2], [], [3]]
    assert rows[-1].tolist() == [3]


def test_fields_of_a_batch_are_leaves_too():
    field = Field(np.ones(3), np.array([0, 1, 3]))
    tokens = Tokens.from_pytree({"xp": field, "mag": Field(np.zeros((2, 2)))}, batch_ndims=0)
    assert tokens.padding_mask.tolist() == [[1, 0, 1, 1], [1, 1, 1, 1]]


def test_ragged_scalars_need_to_be_told_that_they_are_tokens():
    with pytest.raises(ShapeError, match="Ragged scalars need batch_ndims 0"):
        Tokens.from_pytree({"a": ragged([1, 2])})


def test_ragged_leaves_have_one_sample_dimension():
    with pytest.raises(ConfigError, match="Key 'a' is Ragged, which has one sample dimension"):
        Tokens.from_pytree({"a": ragged([1, 2])}, sample_ndims=0)
