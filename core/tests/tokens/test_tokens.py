"""The container itself, on NumPy, torch and JAX."""

import pickle

import numpy as np
import pytest

from tokenry_core.errors import ConfigError, ShapeError
from tokenry_core.tokens import PaddingWarning, Ragged, Tokens, UnknownKey


def test_fields_have_the_documented_shapes(library, hierarchy, hierarchical_independence):
    tokens = Tokens.from_pytree(library.tree(hierarchy), hierarchical_independence)
    assert tuple(tokens.data.shape) == (4, 21, 1)
    assert tuple(tokens.labels.shape) == (4, 21)
    assert tuple(tokens.self_attention_mask.shape) == (21, 21)
    assert tuple(tokens.padding_mask.shape) == (4, 21)
    assert tokens.functional_inputs is None
    assert tokens.key_order == ["mu", "theta", "obs"]
    assert tokens.label_map == {"mu": 0, "theta": 1, "obs": 2}
    assert tokens.slices["obs"] == {"offset": 6, "event_shape": (5, 3), "batch_shape": (1,)}


def test_arrays_stay_in_their_library(library, hierarchy, hierarchical_independence):
    tokens = Tokens.from_pytree(library.tree(hierarchy), hierarchical_independence)
    kind = type(library.array(np.zeros(2)))
    masks = [
        tokens.self_attention_mask,
        tokens.padding_mask,
        tokens.cross_attention_mask("mu", "obs"),
    ]
    for array in [tokens.data, tokens.labels, tokens.positions, *masks]:
        assert isinstance(array, kind)
    assert all(str(mask.dtype).endswith("float32") for mask in masks)
    assert str(tokens.labels.dtype).endswith("int32")


def test_event_dimensions_flatten_in_c_order(library, hierarchy):
    tokens = Tokens.from_pytree(library.tree(hierarchy))
    flat = np.concatenate([hierarchy[key].reshape(4, -1) for key in ("mu", "theta", "obs")], 1)
    np.testing.assert_array_equal(np.asarray(tokens.data)[..., 0], flat)


def test_narrow_keys_are_padded_with_the_pad_value(library):
    data = library.tree({"a": np.ones((2, 3, 1)), "b": np.full((2, 1, 2), 2.0)})
    tokens = Tokens.from_pytree(data, pad_value=-5.0)
    expected = [[1, -5], [1, -5], [1, -5], [2, 2]]
    np.testing.assert_array_equal(np.asarray(tokens.data)[1], expected)


def test_labels_and_positions_say_where_a_token_is_from(library, hierarchy):
    tokens = Tokens.from_pytree(library.tree(hierarchy))
    np.testing.assert_array_equal(tokens.labels[2], [0] + [1] * 5 + [2] * 15)
    np.testing.assert_array_equal(tokens.positions[2], [0, *range(5), *range(15)])


def test_numpy_labels_of_all_samples_share_one_row(hierarchy):
    assert Tokens.from_pytree(hierarchy).labels.strides[0] == 0


@pytest.mark.filterwarnings("ignore::tokenry_core.tokens.PaddingWarning")
def test_batch_dimensions_are_chosen_by_key(library):
    data = library.tree({"field": np.ones((2, 6, 2, 2)), "scale": np.ones((2,))})
    tokens = Tokens.from_pytree(data, batch_ndims={"field": 2, "scale": 0}, pad_value=0)
    assert tokens.slices["field"]["batch_shape"] == (2, 2)
    assert tokens.slices["scale"] == {"offset": 6, "event_shape": (), "batch_shape": ()}
    assert tuple(tokens.data.shape) == (2, 7, 4)


def test_one_number_of_batch_dimensions_serves_all_keys():
    tokens = Tokens.from_pytree({"a": np.ones((2, 3)), "b": np.ones((2,))}, batch_ndims=0)
    assert tokens.data.shape == (2, 4, 1)


@pytest.mark.parametrize(("ndims", "shape"), [(0, ()), (1, (2,)), (2, (2, 3))])
def test_sample_dimensions_lead(library, ndims, shape):
    data = library.tree({"a": np.ones((*shape, 4, 1)), "b": np.ones((*shape, 1))})
    tokens = Tokens.from_pytree(data, sample_ndims=ndims)
    assert tuple(tokens.data.shape) == (*shape, 5, 1)
    assert tokens.sample_shape == shape
    assert tuple(tokens.labels.shape) == (*shape, 5)


def test_key_order_sets_the_order_of_tokens_and_labels(library, hierarchy):
    order = ["obs", "mu", "theta"]
    tokens = Tokens.from_pytree(library.tree(hierarchy), key_order=order)
    assert tokens.key_order == order
    assert tokens.label_map == {"obs": 0, "mu": 1, "theta": 2}
    assert list(tokens.decode()) == ["mu", "theta", "obs"]


def test_key_order_must_name_every_key(hierarchy):
    with pytest.raises(ConfigError, match="must name each key once: the keys are"):
        Tokens.from_pytree(hierarchy, key_order=["mu", "obs"])
    with pytest.raises(UnknownKey, match=r"Key 'obss' not found. .*Did you mean \"obs\""):
        Tokens.from_pytree(hierarchy, key_order=["mu", "theta", "obss"])


def test_nested_pytrees_come_back_nested(library):
    data = {"site": {"a/b": np.ones((2, 3, 1)), "c": [np.zeros((2, 1)), (np.ones((2, 1)), None)]}}
    data["site"] = {
        "a/b": library.array(data["site"]["a/b"]),
        "c": [library.array(data["site"]["c"][0]), (library.array(data["site"]["c"][1][0]), None)],
    }
    tokens = Tokens.from_pytree(data)
    assert tokens.key_order == ["site/a~1b", "site/c/0", "site/c/1/0"]
    back = tokens.decode()
    assert type(back["site"]["c"][1]) is tuple
    assert back["site"]["c"][1][1] is None
    np.testing.assert_array_equal(back["site"]["a/b"], np.ones((2, 3, 1)))


def test_joined_keys_cannot_collide():
    data = {"a/b": np.zeros((1, 1)), "a": {"b": np.ones((1, 1))}}
    assert Tokens.from_pytree(data).key_order == ["a~1b", "a/b"]
    data = {"a/b": np.zeros((1, 1)), "a~1b": np.ones((1, 1))}
    assert Tokens.from_pytree(data).key_order == ["a~1b", "a~01b"]


def test_names_that_read_alike_are_refused():
    with pytest.raises(ConfigError, match="Two leaves have the key '1'"):
        Tokens.from_pytree({1: np.zeros((1, 1)), "1": np.zeros((1, 1))})


def test_with_values_replaces_and_leaves_the_rest(library, hierarchy):
    tokens = Tokens.from_pytree(library.tree(hierarchy))
    before = np.asarray(tokens.data).copy()
    new = tokens.with_values(theta=library.array(np.full((4, 5, 1), 7, np.float32)))
    np.testing.assert_array_equal(np.asarray(new.decode()["theta"]), np.full((4, 5, 1), 7))
    np.testing.assert_array_equal(np.asarray(new.decode()["obs"]), hierarchy["obs"])
    np.testing.assert_array_equal(np.asarray(tokens.data), before)


def test_with_values_takes_nested_values():
    tokens = Tokens.from_pytree({"site": {"a": np.zeros((2, 1)), "b": np.zeros((2, 1))}})
    new = tokens.with_values(site={"b": np.ones((2, 1))})
    assert new.decode()["site"]["b"].ravel().tolist() == [1, 1]
    assert new.with_values(**{"site/a": np.full((2, 1), 3.0)}).decode()["site"]["a"][0] == 3


def test_with_values_refuses_another_shape(hierarchy):
    with pytest.raises(ShapeError, match=r"'theta' has shape \(4, 5, 1\), but .* \(4, 6, 1\)"):
        Tokens.from_pytree(hierarchy).with_values(theta=np.zeros((4, 6, 1)))


def test_with_values_refuses_to_cut_fractions_off():
    tokens = Tokens.from_pytree({"ids": np.zeros((2, 3), np.int32)}, batch_ndims=0)
    with pytest.raises(ConfigError, match="tokens of int32 cannot hold"):
        tokens.with_values(ids=np.full((2, 3), 0.5))


def test_decode_reads_another_flat_array(library, hierarchy):
    tokens = Tokens.from_pytree(library.tree(hierarchy))
    sampled = library.array(np.zeros((9, 21, 1), np.float32))
    assert tuple(tokens.decode(sampled)["obs"].shape) == (9, 5, 3, 1)


def test_decode_keys_reads_all_tokens_or_only_those_keys(library, hierarchy):
    tokens = Tokens.from_pytree(library.tree(hierarchy))
    whole = tokens.decode_keys(tokens.data, ["theta"])
    alone = tokens.decode_keys(tokens.select_tokens(["theta"]).data, ["theta"])
    for decoded in (whole, alone):
        np.testing.assert_array_equal(np.asarray(decoded["theta"]), hierarchy["theta"])


def test_decode_refuses_a_wrong_number_of_tokens(hierarchy):
    tokens = Tokens.from_pytree(hierarchy)
    message = "Slice metadata specifies 21 tokens but flat array has 20 tokens"
    with pytest.raises(ShapeError, match=message):
        tokens.decode(np.zeros((4, 20, 1)))


def test_unknown_key_lists_the_available_ones(hierarchy):
    tokens = Tokens.from_pytree(hierarchy)
    message = r"Key 'sigma' not found. Available keys: \['mu', 'theta', 'obs'\]"
    with pytest.raises(KeyError, match=message):
        tokens.select_tokens(["sigma"])
    with pytest.raises(UnknownKey, match=message):
        tokens.with_values(sigma=np.zeros((4, 1)))
    with pytest.raises(UnknownKey, match=message):
        tokens.cross_attention_mask(["mu"], ["sigma"])


def test_a_wide_spread_of_widths_is_warned_of():
    message = "Batch size padding ratio is 3.5x, consider restructuring data"
    with pytest.warns(PaddingWarning, match=message):
        Tokens.from_pytree({"a": np.ones((1, 1, 2)), "b": np.ones((1, 1, 7))})


def test_the_warning_comes_with_every_call_and_points_at_the_caller():
    data = {"a": np.ones((1, 1, 2)), "b": np.ones((1, 1, 7))}
    for _ in range(2):
        with pytest.warns(PaddingWarning) as caught:
            Tokens.from_pytree(data)
        assert caught[0].filename == __file__


def test_twice_the_width_is_no_warning():
    Tokens.from_pytree({"a": np.ones((1, 1, 2)), "b": np.ones((1, 1, 4))})


def test_samples_must_agree():
    with pytest.raises(ShapeError, match=r"Key 'b' has sample shape \(3,\), but 'a' has \(2,\)"):
        Tokens.from_pytree({"a": np.ones((2, 1)), "b": np.ones((3, 1))})


def test_a_leaf_with_too_few_dimensions_is_refused():
    with pytest.raises(ShapeError, match="fewer than 2 sample dimensions"):
        Tokens.from_pytree({"a": np.ones(3)}, sample_ndims=2)
    with pytest.raises(ShapeError, match="fewer than its 1 batch dimensions"):
        Tokens.from_pytree({"a": np.ones(3)})


def test_libraries_cannot_be_mixed():
    import jax.numpy as jnp
    import torch

    with pytest.raises(ConfigError, match=r"Arrays of jax and torch cannot be mixed"):
        Tokens.from_pytree({"a": torch.ones(2, 1), "b": jnp.ones((2, 1))})


def test_numpy_arrays_follow_the_other_library(library):
    tokens = Tokens.from_pytree(
        {"a": np.ones((2, 1), np.float32), "b": library.array(np.ones((2, 1), np.float32))}
    )
    assert isinstance(tokens.data, type(library.array(np.ones(1))))


@pytest.mark.parametrize("value", [None, 3.0, np.ones(3), "text"])
def test_data_that_is_no_container_is_refused(value):
    with pytest.raises(ConfigError, match="Expected a mapping, list or tuple of arrays"):
        Tokens.from_pytree(value)


def test_a_leaf_that_is_no_array_is_named():
    with pytest.raises(ConfigError, match="'a/b' is a str, which is neither"):
        Tokens.from_pytree({"a": {"b": "text"}})


def test_no_key_at_all_is_refused():
    with pytest.raises(ConfigError, match="Give at least one key"):
        Tokens.from_pytree({})


def test_one_key_works(library):
    tokens = Tokens.from_pytree(library.tree({"a": np.ones((2, 3, 1))}))
    assert tuple(tokens.data.shape) == (2, 3, 1)
    assert np.asarray(tokens.self_attention_mask).all()


def test_zero_samples_work(library, hierarchy, hierarchical_independence):
    empty = {key: value[:0] for key, value in hierarchy.items()}
    tokens = Tokens.from_pytree(library.tree(empty), hierarchical_independence)
    assert tuple(tokens.data.shape) == (0, 21, 1)
    assert tuple(tokens.padding_mask.shape) == (0, 21)
    assert tuple(tokens.decode()["obs"].shape) == (0, 5, 3, 1)
    assert tuple(tokens.with_values(mu=tokens.decode()["mu"]).data.shape) == (0, 21, 1)


def test_an_empty_event_shape_is_one_token(library):
    tokens = Tokens.from_pytree(library.tree({"mu": np.ones((2, 3))}))
    assert tokens.slices["mu"] == {"offset": 0, "event_shape": (), "batch_shape": (3,)}
    assert tuple(tokens.data.shape) == (2, 1, 3)
    assert tuple(tokens.decode()["mu"].shape) == (2, 3)


def test_a_key_without_tokens_works(library):
    tokens = Tokens.from_pytree(library.tree({"a": np.ones((2, 0, 1)), "b": np.ones((2, 2, 1))}))
    assert tuple(tokens.decode()["a"].shape) == (2, 0, 1)


def test_all_keys_may_be_conditional(library, hierarchy, hierarchical_independence):
    tokens = Tokens.from_pytree(library.tree(hierarchy), hierarchical_independence)
    targets, given = tokens.select_tokens([]), tokens.select_tokens(["mu", "theta", "obs"])
    assert tuple(targets.data.shape) == (4, 0, 1)
    assert tuple(targets.self_attention_mask.shape) == (0, 0)
    assert tuple(targets.padding_mask.shape) == (4, 0)
    assert tuple(targets.cross_attention_mask(given).shape) == (0, 21)
    assert tuple(targets.labels.shape) == tuple(targets.positions.shape) == (4, 0)
    assert targets.decode() == {}
    assert np.asarray(tokens.condition(["mu", "theta", "obs"])).all()


def test_condition_marks_the_tokens_of_its_keys(library, hierarchy):
    tokens = Tokens.from_pytree(library.tree(hierarchy))
    np.testing.assert_array_equal(tokens.condition(["theta"])[0], [0] + [1] * 5 + [0] * 15)


def test_samples_are_chosen_by_index(library, hierarchy):
    tokens = Tokens.from_pytree(
        library.tree(hierarchy), functional_inputs=library.tree({"mu": np.ones((4, 1, 1))})
    )
    part = tokens[1:3]
    np.testing.assert_array_equal(np.asarray(part.data), np.asarray(tokens.data)[1:3])
    assert tuple(part.functional_inputs.shape) == (2, 21, 1)


def test_callers_arrays_are_left_alone(hierarchy, hierarchical_independence):
    before = {key: value.copy() for key, value in hierarchy.items()}
    for value in hierarchy.values():
        value.setflags(write=False)
    tokens = Tokens.from_pytree(hierarchy, hierarchical_independence)
    tokens.with_values(mu=np.zeros((4, 1, 1)))
    assert not any(np.shares_memory(tokens.data, value) for value in hierarchy.values())
    for key, value in hierarchy.items():
        np.testing.assert_array_equal(value, before[key])


def test_out_reuses_the_memory_of_earlier_tokens(hierarchy):
    first = Tokens.from_pytree(hierarchy)
    doubled = {key: value * 2 for key, value in hierarchy.items()}
    second = Tokens.from_pytree(doubled, out=first)
    assert np.shares_memory(first.data, second.data)
    np.testing.assert_array_equal(second.data, Tokens.from_pytree(doubled).data)


def test_out_serves_a_smaller_last_batch(hierarchy):
    first = Tokens.from_pytree(hierarchy)
    last = {key: value[:3] for key, value in hierarchy.items()}
    tokens = Tokens.from_pytree(last, out=first)
    assert tokens.data.shape == (3, 21, 1)
    assert np.shares_memory(first.data, tokens.data)


def test_out_clears_what_longer_rows_left_behind():
    def rows(*lengths):
        indptr = np.concatenate([[0], np.cumsum(lengths)])
        return {"a": Ragged(np.ones(indptr[-1]), indptr, size=3)}

    first = Tokens.from_pytree(rows(3, 3), batch_ndims=0)
    second = Tokens.from_pytree(rows(1, 2), batch_ndims=0, out=first)
    np.testing.assert_array_equal(second.data[..., 0], [[1, 0, 0], [1, 1, 0]])


def test_out_of_another_structure_is_refused(hierarchy):
    other = Tokens.from_pytree({"a": np.ones((4, 21, 1), np.float32)})
    with pytest.raises(ShapeError, match="out holds another structure"):
        Tokens.from_pytree(hierarchy, out=other)
    with pytest.raises(
        ShapeError, match=r"this batch needs a writable NumPy array of \(4, 21, 1\)"
    ):
        Tokens.from_pytree(hierarchy, out=Tokens.from_pytree(hierarchy)[:2])


def test_ragged_leaves_become_padded_tokens(library):
    values = library.array(np.arange(1, 6, dtype=np.float32))
    rows = Ragged(values, library.array(np.array([0, 2, 5])))
    tokens = Tokens.from_pytree(
        {"a": library.array(np.ones((2, 1), np.float32)), "xp": rows}, batch_ndims=0
    )
    np.testing.assert_array_equal(np.asarray(tokens.data)[..., 0], [[1, 1, 2, 0], [1, 3, 4, 5]])
    np.testing.assert_array_equal(np.asarray(tokens.padding_mask), [[1, 1, 1, 0], [1, 1, 1, 1]])


def test_event_shapes_mark_padding_in_padded_leaves(library):
    data = library.tree({"x": np.ones((2, 2, 3, 1))})
    tokens = Tokens.from_pytree(data, event_shapes={"x": np.array([[1, 3], [2, 2]])})
    np.testing.assert_array_equal(
        np.asarray(tokens.padding_mask), [[1, 1, 1, 0, 0, 0], [1, 1, 0, 1, 1, 0]]
    )


def test_attention_mask_with_padding_forbids_padded_tokens(library):
    data = library.tree({"x": np.ones((2, 3, 1))})
    tokens = Tokens.from_pytree(
        data, {"cross_local": [("x", "x", None)]}, event_shapes={"x": np.array([[2], [3]])}
    )
    mask = np.asarray(tokens.attention_mask(padding=True))
    assert mask.dtype == bool
    np.testing.assert_array_equal(mask, [np.diag([1, 1, 0]), np.eye(3)])


def test_event_shapes_of_other_dimensions_are_refused():
    message = r"The event shapes of 'x' have 1 dimensions, but .* event shape \(2, 3\)"
    with pytest.raises(ShapeError, match=message):
        Tokens.from_pytree({"x": np.ones((2, 2, 3, 1))}, event_shapes={"x": np.array([[1], [2]])})


def test_numpy_inputs_and_lengths_follow_the_library_of_the_data(library):
    tokens = Tokens.from_pytree(
        library.tree({"x": np.ones((2, 3, 1))}),
        functional_inputs={"x": np.ones((2, 3, 1))},
        event_shapes={"x": np.array([[1], [2]])},
    )
    kinds = {type(array) for array in (tokens.functional_inputs, tokens.event_shapes["x"])}
    assert kinds == {type(tokens.data)}


def test_pad_value_must_fit_the_dtype():
    data = {"a": np.zeros((1, 1), np.uint8), "b": np.zeros((1, 2), np.uint8)}
    with pytest.raises(ConfigError, match=r"pad_value -1 does not fit the data's uint8"):
        Tokens.from_pytree(data, pad_value=-1)


def test_tokens_survive_pickling(hierarchy, hierarchical_independence):
    tokens = Tokens.from_pytree(hierarchy, hierarchical_independence)
    again = pickle.loads(pickle.dumps(tokens))
    assert again.layout == tokens.layout
    np.testing.assert_array_equal(again.data, tokens.data)
    np.testing.assert_array_equal(again.self_attention_mask, tokens.self_attention_mask)


def test_map_moves_every_array(hierarchy):
    import torch

    tokens = Tokens.from_pytree(
        hierarchy,
        functional_inputs={"mu": np.ones((4, 1, 1))},
        event_shapes={"theta": np.full((4, 1), 3)},
    )
    moved = tokens.map(torch.from_numpy)
    assert isinstance(moved.functional_inputs, torch.Tensor)
    assert moved.padding_mask.sum() == tokens.padding_mask.sum() == 4 * 19
