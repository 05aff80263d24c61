import numpy as np
import pytest

from tokenry_core.errors import ShapeError
from tokenry_core.tokens import Tokens, UnknownKey, flatten_functional_inputs

PAD = np.float32(-1e8)
SLICES = {
    "mu": {"offset": 0, "event_shape": (1,), "batch_shape": (1,)},
    "obs": {"offset": 1, "event_shape": (2, 2), "batch_shape": (1,)},
}


def test_inputs_align_with_the_tokens_and_missing_ones_are_padding(library):
    inputs = library.tree({"obs": np.arange(8.0).reshape(2, 2, 2, 1)})
    flat = flatten_functional_inputs(inputs, SLICES)
    np.testing.assert_array_equal(np.asarray(flat)[..., 0], [[PAD, 0, 1, 2, 3], [PAD, 4, 5, 6, 7]])


def test_inputs_may_be_wider_than_the_tokens(library):
    inputs = library.tree({"mu": np.ones((3, 1, 1)), "obs": np.ones((3, 2, 2, 3))})
    flat = np.asarray(flatten_functional_inputs(inputs, SLICES))
    assert flat.shape == (3, 5, 3)
    np.testing.assert_array_equal(flat[0, 0], [1, PAD, PAD])


def test_narrow_inputs_take_the_width_of_the_tokens():
    slices = {"a": {"offset": 0, "event_shape": (2,), "batch_shape": (4,)}}
    assert flatten_functional_inputs({"a": np.ones((1, 2, 1))}, slices).shape == (1, 2, 4)


def test_an_input_without_features_is_one_number_a_token():
    flat = flatten_functional_inputs({"obs": np.ones((3, 2, 2))}, SLICES)
    assert flat.shape == (3, 5, 1)


def test_without_sample_dimensions():
    assert flatten_functional_inputs({"mu": np.ones((1, 1))}, SLICES, 0).shape == (5, 1)


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.float16])
def test_numbers_that_cannot_hold_the_padding_become_float32(dtype):
    flat = flatten_functional_inputs({"mu": np.ones((1, 1, 1), dtype)}, SLICES)
    assert flat.dtype == np.float32
    assert flat[0, 1, 0] == PAD


def test_no_inputs_give_none():
    assert flatten_functional_inputs(None, SLICES) is None
    assert flatten_functional_inputs({}, SLICES) is None


def test_tokens_carry_nested_inputs(library):
    data = {"site": library.tree({"a": np.ones((2, 3, 1)), "b": np.ones((2, 1))})}
    inputs = {"site": library.tree({"a": np.ones((2, 3, 1))})}
    tokens = Tokens.from_pytree(data, functional_inputs=inputs)
    np.testing.assert_array_equal(np.asarray(tokens.functional_inputs)[0, :, 0], [1, 1, 1, PAD])


def test_another_shape_is_refused():
    message = (
        r"Functional input 'obs' has shape \(10,\) but expected to match token shape \(10, 5\)"
    )
    slices = {"obs": {"offset": 0, "event_shape": (5,), "batch_shape": (1,)}}
    with pytest.raises(ShapeError, match=message):
        flatten_functional_inputs({"obs": np.ones(10)}, slices)
    with pytest.raises(ShapeError, match=message):
        Tokens.from_pytree({"obs": np.ones((10, 5, 1))}, functional_inputs={"obs": np.ones(10)})


def test_an_unknown_key_is_refused():
    with pytest.raises(UnknownKey, match=r"Key 'times' not found. Available keys: \['mu', 'obs'\]"):
        flatten_functional_inputs({"times": np.ones((1, 1))}, SLICES)
