"""Dense masks against a loop over tokens, and against masks written by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenry_core.errors import ShapeError
from tokenry_core.tokens import (
    Tokens,
    UnknownKey,
    build_cross_attention_mask,
    build_padding_mask,
    build_self_attention_mask,
    rows_without_attention,
)

KEYS = ("a", "b", "c")


def slices_of(event_shapes):
    slices, offset = {}, 0
    for key, shape in event_shapes.items():
        slices[key] = {"offset": offset, "event_shape": shape, "batch_shape": (1,)}
        offset += int(np.prod(shape))
    return slices


@st.composite
def structures(draw):
    """Event shapes of up to three keys, and rules whose dimensions agree."""
    sizes = st.integers(1, 3)
    shapes = {k: tuple(draw(st.lists(sizes, max_size=2))) for k in KEYS[: draw(st.integers(1, 3))]}
    names = st.sampled_from(list(shapes))
    pairs = [
        (a, b, (i, j))
        for a in shapes
        for b in shapes
        for i, n in enumerate(shapes[a])
        for j, m in enumerate(shapes[b])
        if n == m
    ]
    pairs += [
        (a, b, None) for a in shapes for b in shapes if np.prod(shapes[a]) == np.prod(shapes[b])
    ]
    rules = {
        "local": draw(st.lists(names, max_size=2)),
        "cross": draw(st.lists(st.tuples(names, names), max_size=3)),
        "cross_local": draw(st.lists(st.sampled_from(pairs), max_size=3)) if pairs else [],
    }
    return shapes, rules


@settings(max_examples=150, deadline=None)
@given(structures())
def test_self_attention_mask_equals_the_loop(brute_force_mask, structure):
    shapes, rules = structure
    mask = build_self_attention_mask(slices_of(shapes), rules)
    np.testing.assert_array_equal(mask, brute_force_mask(shapes, rules))
    assert mask.dtype == np.float32


@settings(max_examples=100, deadline=None)
@given(structures(), st.data())
def test_cross_attention_mask_is_the_block_of_the_loop(brute_force_mask, structure, data):
    shapes, rules = structure
    whole = brute_force_mask(shapes, rules)
    slices = slices_of(shapes)
    chosen = [
        data.draw(st.permutations(list(shapes)))[: data.draw(st.integers(1, len(shapes)))]
        for _ in "qk"
    ]
    query, key = ({k: slices[k] for k in keys} for keys in chosen)
    rows, columns = (
        [t for k in sorted(keys, key=lambda k: slices[k]["offset"]) for t in tokens_of(slices[k])]
        for keys in chosen
    )
    mask = build_cross_attention_mask(query, key, rules)
    np.testing.assert_array_equal(mask, whole[np.ix_(rows, columns)])


def tokens_of(one):
    return range(one["offset"], one["offset"] + int(np.prod(one["event_shape"])))


@settings(max_examples=100, deadline=None)
@given(structures(), st.data())
def test_a_views_mask_is_the_parents_mask_at_its_tokens(structure, data):
    shapes, rules = structure
    tokens = Tokens.from_pytree({k: np.zeros((1, *shape, 1)) for k, shape in shapes.items()}, rules)
    order = data.draw(st.permutations(list(shapes)))
    keys = order[: data.draw(st.integers(1, len(shapes)))]
    view = tokens.select_tokens(keys)
    at = [t for key in keys for t in tokens_of(tokens.slices[key])]
    np.testing.assert_array_equal(
        view.self_attention_mask, tokens.self_attention_mask[np.ix_(at, at)]
    )
    np.testing.assert_array_equal(
        tokens.cross_attention_mask(keys, list(shapes)), tokens.self_attention_mask[at]
    )


@pytest.fixture
def two_each():
    return slices_of({"mu": (1,), "theta": (2,), "obs": (2,)})


def test_local_forbids_the_whole_block(two_each):
    mask = build_self_attention_mask(two_each, {"local": ["theta"]})
    assert not mask[1:3, 1:3].any()
    assert mask.sum() == 25 - 4


def test_cross_forbids_one_direction_only(two_each):
    mask = build_self_attention_mask(two_each, {"cross": [("mu", "obs")]})
    assert not mask[0, 3:].any()
    assert mask[3:, 0].all()


def test_cross_local_allows_the_diagonal_in_both_directions(two_each):
    mask = build_self_attention_mask(two_each, {"cross_local": [("theta", "obs", None)]})
    np.testing.assert_array_equal(mask[1:3, 3:], np.eye(2))
    np.testing.assert_array_equal(mask[3:, 1:3], np.eye(2))


def test_cross_local_matches_different_dimensions():
    shapes = {"theta": (5, 3), "obs": (2, 5)}
    mask = build_self_attention_mask(slices_of(shapes), {"cross_local": [("theta", "obs", (0, 1))]})
    site_of_theta, site_of_obs = np.repeat(np.arange(5), 3), np.tile(np.arange(5), 2)
    np.testing.assert_array_equal(mask[:15, 15:], site_of_theta[:, None] == site_of_obs)


def test_later_kinds_of_rules_replace_earlier_ones(two_each):
    rules = {
        "cross_local": [("theta", "theta", None), ("theta", "obs", None)],
        "local": ["theta"],
        "cross": [("theta", "obs")],
    }
    mask = build_self_attention_mask(two_each, rules)
    np.testing.assert_array_equal(mask[1:3, 1:3], np.eye(2))
    np.testing.assert_array_equal(mask[1:3, 3:], np.eye(2))


def test_selected_keys_restrict_the_mask(two_each):
    rules = {"cross": [("mu", "obs")], "cross_local": [("theta", "obs", None)]}
    mask = build_self_attention_mask(two_each, rules, selected_keys=["obs", "mu"])
    np.testing.assert_array_equal(mask, [[1, 1, 1], [1, 1, 1], [0, 0, 1]])


@pytest.mark.parametrize("dtype", [bool, np.bool_, "bool", np.float64, "uint8"])
def test_dtype_on_request(two_each, dtype):
    assert build_self_attention_mask(two_each, {}, dtype=dtype).dtype == np.dtype(dtype)


@pytest.mark.parametrize("name", ["bool", "float16"])
def test_dtype_of_each_library(library, name):
    tokens = Tokens.from_pytree(library.tree({"a": np.ones((1, 2, 1))}))
    assert str(tokens.cross_attention_mask(["a"], ["a"], dtype=name).dtype).endswith(name)


def test_dtype_objects_of_each_library():
    import jax.numpy as jnp
    import torch

    plain = Tokens.from_pytree({"a": np.ones((1, 2, 1), np.float32)})
    assert plain.map(torch.from_numpy).attention_mask(dtype=torch.bool).dtype == torch.bool
    assert plain.map(torch.from_numpy).attention_mask(dtype=torch.bfloat16).all()
    assert plain.map(jnp.asarray).attention_mask(dtype=jnp.bool_).dtype == jnp.bool_
    assert plain.map(jnp.asarray).attention_mask(dtype=jnp.bfloat16).dtype == jnp.bfloat16


def test_rows_without_attention_are_named(library, hierarchical_independence):
    data = library.tree({"mu": np.ones((1, 1, 1)), "obs": np.ones((1, 2, 3, 1))})
    rules = {"local": ["obs"], "cross": [("obs", "mu")]}
    tokens = Tokens.from_pytree(data, rules)
    rows = rows_without_attention(tokens.self_attention_mask)
    np.testing.assert_array_equal(np.asarray(rows), [False] + [True] * 6)


def test_sizes_that_do_not_match_are_named():
    slices = slices_of({"theta": (10,), "obs": (5, 2)})
    message = (
        "Cannot apply cross_local independence: dimension 0 of 'theta' has size 10 "
        "but dimension 0 of 'obs' has size 5"
    )
    for build in (
        lambda rules: build_self_attention_mask(slices, rules),
        lambda rules: build_cross_attention_mask(
            {"theta": slices["theta"]}, {"obs": slices["obs"]}, rules
        ),
    ):
        with pytest.raises(ValueError, match=message):
            build({"cross_local": [("theta", "obs", (0, 0))]})


def test_a_diagonal_needs_equal_numbers_of_tokens():
    slices = slices_of({"theta": (10,), "obs": (5,)})
    with pytest.raises(ShapeError, match="'theta' has 10 tokens but 'obs' has 5 tokens"):
        build_self_attention_mask(slices, {"cross_local": [("theta", "obs", None)]})


@pytest.mark.parametrize("dimension", [1, -1])
def test_a_dimension_that_is_not_there_is_named(dimension):
    slices = slices_of({"theta": (2,), "obs": (2,)})
    with pytest.raises(ShapeError, match=f"'theta' has no event dimension {dimension}"):
        build_self_attention_mask(slices, {"cross_local": [("theta", "obs", (dimension, 0))]})


def test_padding_mask_follows_every_event_dimension():
    slices = slices_of({"a": (2, 3), "b": (2,)})
    mask = build_padding_mask(slices, {"a": np.array([[1, 2], [2, 3]])})
    np.testing.assert_array_equal(mask, [[1, 1, 0, 0, 0, 0, 1, 1], [1] * 8])


def test_padding_mask_of_one_sample_and_of_tuples():
    slices = slices_of({"a": (5,), "b": (3,)})
    np.testing.assert_array_equal(
        build_padding_mask(slices, {"a": (3,), "b": np.array([2])}), [1, 1, 1, 0, 0, 1, 1, 0]
    )


def test_padding_mask_of_selected_keys():
    slices = slices_of({"a": (2,), "b": (3,)})
    mask = build_padding_mask(slices, {"b": np.array([[1]])}, selected_keys=["b"])
    np.testing.assert_array_equal(mask, [[1, 0, 0]])


def test_padding_mask_refuses_what_does_not_fit():
    slices = slices_of({"a": (2,)})
    with pytest.raises(UnknownKey, match=r"Key 'b' not found. Available keys: \['a'\]"):
        build_padding_mask(slices, {"b": np.array([[1]])})
    with pytest.raises(ShapeError, match="The event shapes of 'a' have 2 dimensions"):
        build_padding_mask(slices, {"a": np.array([[1, 1]])})
