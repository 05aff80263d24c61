"""Flat arrays and slices: round trips of random structures, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenry_core.errors import ConfigError, ShapeError
from tokenry_core.tokens import (
    PaddingWarning,
    Tokens,
    decode_pytree,
    flatten_pytree,
    update_flat_array,
)

NAMES = st.text("ab/~", min_size=1, max_size=3)
SIZES = st.integers(0, 3)


@st.composite
def pytrees(draw):
    """Nested arrays of 2 or 3 levels, their sample dimensions and mixed batch dimensions."""
    samples = tuple(draw(st.lists(SIZES, max_size=2)))
    counter = iter(range(10_000))
    batch_ndims = {}

    def leaf(_):
        event = draw(st.lists(SIZES, max_size=2))
        batch = draw(st.lists(st.integers(1, 2), max_size=2))
        shape = (*samples, *event, *batch)
        values = np.arange(np.prod(shape, dtype=int), dtype=np.float64) + next(counter)
        return values.reshape(shape), len(batch)

    leaves = st.none().map(leaf)
    inner = st.dictionaries(NAMES, leaves, min_size=1, max_size=3) | st.lists(
        leaves, min_size=1, max_size=2
    )
    drawn = draw(st.dictionaries(NAMES, leaves | inner, min_size=1, max_size=3))

    def split(node, which):
        if isinstance(node, tuple):
            return node[which]
        if isinstance(node, dict):
            return {key: split(value, which) for key, value in node.items()}
        return [split(value, which) for value in node]

    return split(drawn, 0), len(samples), split(drawn, 1), batch_ndims


def leaves_of(node):
    if isinstance(node, dict):
        return [(key, *rest) for key, value in node.items() for rest in leaves_of(value)]
    if isinstance(node, list):
        return [(i, *rest) for i, value in enumerate(node) for rest in leaves_of(value)]
    return [(node,)]


def assert_same(left, right):
    assert len(leaves_of(left)) == len(leaves_of(right))
    for one, other in zip(leaves_of(left), leaves_of(right), strict=True):
        assert one[:-1] == other[:-1]
        np.testing.assert_array_equal(one[-1], other[-1])


@settings(max_examples=150, deadline=None)
@given(pytrees(), st.sampled_from([0.0, -1.0]))
@pytest.mark.filterwarnings("ignore::tokenry_core.tokens.PaddingWarning")
def test_flatten_then_decode_is_the_identity(pytree, pad_value):
    data, sample_ndims, batch_ndims, _ = pytree
    tokens = Tokens.from_pytree(data, None, None, sample_ndims, batch_ndims, pad_value=pad_value)
    assert_same(tokens.decode(), data)
    flat, slices = flatten_pytree(data, sample_ndims, batch_ndims, pad_value)
    np.testing.assert_array_equal(flat, tokens.data)
    decoded = decode_pytree(flat, slices)
    for value, expected in zip(decoded.values(), leaves_of(data), strict=True):
        np.testing.assert_array_equal(value, expected[-1])


@settings(max_examples=15, deadline=None)
@given(pytrees())
@pytest.mark.filterwarnings("ignore::tokenry_core.tokens.PaddingWarning")
def test_every_library_flattens_alike(pytree):
    import torch

    data, sample_ndims, batch_ndims, _ = pytree

    def to_torch(node):
        if isinstance(node, dict):
            return {key: to_torch(value) for key, value in node.items()}
        return [to_torch(v) for v in node] if isinstance(node, list) else torch.from_numpy(node)

    flat, slices = flatten_pytree(data, sample_ndims, batch_ndims, -1.0)
    other, other_slices = flatten_pytree(to_torch(data), sample_ndims, batch_ndims, -1.0)
    np.testing.assert_array_equal(np.asarray(other), flat)
    assert other_slices == slices


@settings(max_examples=100, deadline=None)
@given(pytrees(), st.data())
@pytest.mark.filterwarnings("ignore::tokenry_core.tokens.PaddingWarning")
def test_with_values_then_decode_gives_the_new_value_and_leaves_the_rest(pytree, data):
    structure, sample_ndims, batch_ndims, _ = pytree
    tokens = Tokens.from_pytree(structure, None, None, sample_ndims, batch_ndims)
    key = data.draw(st.sampled_from(tokens.key_order))
    old = decode_pytree(tokens.data, tokens.slices)
    new = tokens.with_values(**{key: old[key] + 100})
    for name, value in decode_pytree(new.data, new.slices).items():
        np.testing.assert_array_equal(value, old[name] + (100 if name == key else 0))


def test_max_batch_size_sets_the_width(library):
    flat, _ = flatten_pytree(library.tree({"a": np.ones((2, 3, 1))}), 1, None, 9.0, 2)
    np.testing.assert_array_equal(np.asarray(flat)[0], [[1, 9]] * 3)
    with pytest.raises(ConfigError, match="max_batch_size is 1, but a key has 2 features"):
        flatten_pytree({"a": np.ones((2, 3, 2))}, max_batch_size=1)


def test_flatten_pytree_warns_of_padding():
    with pytest.warns(PaddingWarning, match=r"ratio is 3.0x"):
        flatten_pytree({"a": np.ones((1, 1)), "b": np.ones((1, 3))})


def test_decode_pytree_reads_the_chosen_keys(library, hierarchy):
    flat, slices = flatten_pytree(library.tree(hierarchy))
    decoded = decode_pytree(flat, slices, (4,), keys=["obs"])
    assert list(decoded) == ["obs"]
    np.testing.assert_array_equal(np.asarray(decoded["obs"]), hierarchy["obs"])


def test_update_flat_array_leaves_the_old_one_alone(library, hierarchy):
    flat, slices = flatten_pytree(library.tree(hierarchy))
    new = update_flat_array(flat, slices, "theta", library.array(np.zeros((4, 5, 1), np.float32)))
    assert not np.asarray(new)[:, 1:6].any()
    assert np.asarray(flat)[:, 1:6].any()
    np.testing.assert_array_equal(np.asarray(new)[:, 6:], np.asarray(flat)[:, 6:])


def test_slices_that_do_not_add_up_are_refused():
    slices = {"a": {"offset": 0, "event_shape": (100,), "batch_shape": (1,)}}
    message = "Slice metadata specifies 100 tokens but flat array has 95 tokens"
    with pytest.raises(ShapeError, match=message):
        decode_pytree(np.zeros((2, 95, 1)), slices, (2,))
    with pytest.raises(ShapeError, match=message):
        update_flat_array(np.zeros((2, 95, 1)), slices, "a", np.zeros((2, 100, 1)))


def test_slices_that_overlap_are_refused():
    slices = {
        "a": {"offset": 0, "event_shape": (2,), "batch_shape": (1,)},
        "b": {"offset": 1, "event_shape": (2,), "batch_shape": (1,)},
    }
    with pytest.raises(ShapeError, match="overlap or leave a gap at token 1"):
        decode_pytree(np.zeros((1, 4, 1)), slices)


def test_slices_wider_than_the_array_are_refused():
    slices = {"a": {"offset": 0, "event_shape": (2,), "batch_shape": (3,)}}
    with pytest.raises(ShapeError, match="specifies 3 features but flat array has 1"):
        decode_pytree(np.zeros((1, 2, 1)), slices)
    with pytest.raises(ShapeError, match=r"has shape \(\*sample, n_tokens, width\), not \(2,\)"):
        decode_pytree(np.zeros(2), slices)


@pytest.mark.parametrize("value", [-1, 1.5, True, "1"])
def test_sample_ndims_must_be_a_whole_number(value):
    with pytest.raises(ConfigError, match="it must be a whole number, 0 or more"):
        flatten_pytree({"a": np.ones((2, 1))}, sample_ndims=value)
