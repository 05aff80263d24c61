import numpy as np
import pytest

from tokenry_core.errors import ConfigError, ShapeError
from tokenry_core.tokens import Tokens, combine_tokens

RULES = {"cross_local": [("theta", "obs", (0, 0))]}


def make(library, samples, sites, **options):
    data = {
        "theta": np.full((samples, sites, 1), sites),
        "obs": np.full((samples, sites, 2, 1), 10 * sites),
    }
    return Tokens.from_pytree(library.tree(data), RULES, **options)


def test_samples_are_joined_and_tokens_padded_by_key(library):
    both = combine_tokens(make(library, 1, 2), make(library, 2, 3), pad_value=-1.0)
    expected = [[2, 2, -1, 20, 20, 20, 20, -1, -1], [3, 3, 3] + [30] * 6, [3, 3, 3] + [30] * 6]
    np.testing.assert_array_equal(np.asarray(both.data)[..., 0], expected)
    np.testing.assert_array_equal(np.asarray(both.padding_mask), np.array(expected) != -1)
    assert both.slices["obs"] == {"offset": 3, "event_shape": (3, 2), "batch_shape": (1,)}


def test_padding_that_was_there_stays(library):
    a = make(library, 2, 2, event_shapes={"theta": np.array([[1], [2]])})
    b = make(library, 1, 3, event_shapes={"obs": np.array([[1, 2]])})
    both = combine_tokens(a, b)
    expected = [
        [1, 0, 0, 1, 1, 1, 1, 0, 0],
        [1, 1, 0, 1, 1, 1, 1, 0, 0],
        [1, 1, 1, 1, 1, 0, 0, 0, 0],
    ]
    np.testing.assert_array_equal(np.asarray(both.padding_mask), expected)


def test_padding_of_equal_structures_stays_too(library):
    a = make(library, 1, 2, event_shapes={"theta": np.array([[1]])})
    for pair, row in (((a, make(library, 1, 2)), 0), ((make(library, 1, 2), a), 1)):
        mask = np.asarray(combine_tokens(*pair).padding_mask)
        np.testing.assert_array_equal(mask[row], [1, 0, 1, 1, 1, 1])
        assert mask[1 - row].all()


def test_three_sets_combine_in_any_grouping(library):
    a, b, c = (make(library, 1, sites) for sites in (2, 4, 3))
    left = combine_tokens(combine_tokens(a, b), c)
    right = combine_tokens(a, combine_tokens(b, c))
    np.testing.assert_array_equal(np.asarray(left.data), np.asarray(right.data))
    np.testing.assert_array_equal(np.asarray(left.padding_mask), np.asarray(right.padding_mask))


def test_equal_structures_stay_unpadded(library):
    both = combine_tokens(make(library, 1, 2), make(library, 1, 2))
    assert both.event_shapes == {}
    assert np.asarray(both.padding_mask).all()


def test_functional_inputs_are_joined_or_unknown(library):
    inputs = {"theta": library.array(np.ones((1, 2, 1), np.float32))}
    both = combine_tokens(make(library, 1, 2, functional_inputs=inputs), make(library, 1, 2))
    found = np.asarray(both.functional_inputs)
    np.testing.assert_array_equal(found[0, :2, 0], [1, 1])
    assert (found[1] == np.float32(-1e8)).all()
    assert combine_tokens(make(library, 1, 2), make(library, 1, 2)).functional_inputs is None


def test_the_order_is_that_of_the_first(library):
    both = combine_tokens(make(library, 1, 2), make(library, 1, 3, key_order=["obs", "theta"]))
    assert both.key_order == ["theta", "obs"]
    np.testing.assert_array_equal(np.asarray(both.decode()["theta"])[1], [[3], [3], [3]])


def test_the_mask_is_that_of_the_larger(library):
    a, b = make(library, 1, 2), make(library, 1, 3)
    both = combine_tokens(a, b)
    np.testing.assert_array_equal(
        np.asarray(both.self_attention_mask), np.asarray(b.self_attention_mask)
    )


def test_what_cannot_be_combined_is_named():
    def one(rules=None, **shapes):
        return Tokens.from_pytree({k: np.ones(shape) for k, shape in shapes.items()}, rules)

    with pytest.raises(ConfigError, match=r"tokens of keys \['a'\] with tokens of keys \['b'\]"):
        combine_tokens(one(a=(1, 1)), one(b=(1, 1)))
    with pytest.raises(ConfigError, match="different independence"):
        combine_tokens(one(a=(1, 1)), one({"local": ["a"]}, a=(1, 1)))
    with pytest.raises(ShapeError, match=r"Cannot combine key 'a': it has event shape \(2,\)"):
        combine_tokens(one(a=(1, 2, 1)), one(a=(1, 2, 2, 1)))
    plain = Tokens.from_pytree({"a": np.ones(1)}, sample_ndims=0)
    with pytest.raises(ShapeError, match=r"Cannot combine samples of shape \(\)"):
        combine_tokens(plain, plain)
