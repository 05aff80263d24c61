import numpy as np
import pytest

from tokenry_core.errors import ConfigError
from tokenry_core.tokens import Tokens


@pytest.fixture
def tokens(library, hierarchy, hierarchical_independence):
    inputs = {"obs": np.arange(60.0).reshape(4, 5, 3, 1)}
    return Tokens.from_pytree(
        library.tree(hierarchy),
        hierarchical_independence,
        functional_inputs=library.tree(inputs),
        event_shapes={"theta": library.array(np.array([[5], [4], [3], [2]]))},
    )


def address(array):
    return array.data_ptr() if hasattr(array, "data_ptr") else array.__array_interface__["data"][0]


@pytest.mark.parametrize("library", ["numpy", "torch"], indirect=True)
@pytest.mark.parametrize("keys", [["mu"], ["theta", "obs"], ["mu", "theta", "obs"]])
def test_neighbouring_keys_share_the_parents_memory(tokens, keys):
    view = tokens.select_tokens(keys)
    offset = tokens.slices[keys[0]]["offset"]
    size = np.asarray(tokens.data).itemsize
    assert address(view.data) == address(tokens.data) + offset * size
    assert address(view.functional_inputs) == address(tokens.functional_inputs) + offset * size


@pytest.mark.parametrize("keys", [["mu", "obs"], ["obs", "theta"]])
def test_other_keys_come_in_the_order_asked_for(tokens, hierarchy, keys):
    view = tokens.select_tokens(keys)
    expected = np.concatenate([hierarchy[key].reshape(4, -1) for key in keys], 1)
    np.testing.assert_array_equal(np.asarray(view.data)[..., 0], expected)
    assert view.key_order == keys


def test_slices_start_at_token_zero(tokens):
    view = tokens.select_tokens(["obs", "mu"])
    assert view.slices["obs"]["offset"] == 0
    assert view.slices["mu"]["offset"] == 15


def test_labels_stay_those_of_the_parent(tokens):
    view = tokens.select_tokens(["obs", "mu"])
    np.testing.assert_array_equal(view.labels[0], [2] * 15 + [0])
    np.testing.assert_array_equal(view.positions[0], [*range(15), 0])
    assert view.label_map == {"obs": 2, "mu": 0}


def test_padding_and_functional_inputs_follow_the_selection(tokens):
    view = tokens.select_tokens(["theta", "mu"])
    np.testing.assert_array_equal(view.padding_mask[3], [1, 1, 0, 0, 0, 1])
    assert tuple(view.functional_inputs.shape) == (4, 6, 1)
    assert (np.asarray(view.functional_inputs) == np.float32(-1e8)).all()
    assert Tokens.from_pytree({"a": np.ones((1, 1))}).select_tokens("a").functional_inputs is None


@pytest.mark.parametrize(
    "name",
    ["data", "labels", "positions", "self_attention_mask", "padding_mask", "functional_inputs"],
)
def test_what_was_computed_is_kept(tokens, name):
    view = tokens.select_tokens(["mu", "obs"])
    assert name not in view._cache
    assert getattr(view, name) is getattr(view, name)


def test_decode_reads_its_own_data_or_a_flat_array_like_it(library, tokens, hierarchy):
    view = tokens.select_tokens(["obs", "mu"])
    np.testing.assert_array_equal(np.asarray(view.decode()["obs"]), hierarchy["obs"])
    flat = library.array(np.zeros((7, 16, 1), np.float32))
    assert tuple(view.decode(flat)["obs"].shape) == (7, 5, 3, 1)


def test_cross_attention_between_views(tokens):
    theta, obs = tokens.select_tokens(["theta"]), tokens.select_tokens(["obs"])
    expected = tokens.cross_attention_mask(["theta"], ["obs"])
    np.testing.assert_array_equal(np.asarray(theta.cross_attention_mask(obs)), np.asarray(expected))
    np.testing.assert_array_equal(
        np.asarray(theta.cross_attention_mask("obs")), np.asarray(expected)
    )


def test_the_boolean_mask_of_a_view_knows_padding(tokens):
    mask = np.asarray(tokens.select_tokens(["mu", "theta"]).attention_mask(padding=True))
    assert mask.dtype == bool
    assert mask.shape == (4, 6, 6)
    np.testing.assert_array_equal(mask[3, 0], [1, 1, 1, 0, 0, 0])


def test_to_tokens_keeps_what_concerns_its_keys(tokens):
    view = tokens.select_tokens(["obs", "theta"])
    part = view.to_tokens()
    for name in ("data", "labels", "self_attention_mask", "padding_mask"):
        np.testing.assert_array_equal(
            np.asarray(getattr(part, name)), np.asarray(getattr(view, name))
        )
    assert part.independence.keys == ("obs", "theta")


def test_one_key_may_come_as_text(tokens):
    assert tokens.select_tokens("obs").key_order == ["obs"]


def test_a_key_named_twice_is_refused(tokens):
    with pytest.raises(ConfigError, match="name one key twice"):
        tokens.select_tokens(["mu", "mu"])
