"""The mask as a function, against the dense mask."""

import numpy as np
import pytest
import torch

from tokenry_core.tokens import Tokens, build_mask_function

RULES = {
    "local": ["mu"],
    "cross": [("mu", "obs")],
    "cross_local": [("theta", "obs", (0, 0)), ("theta", "theta", None), ("obs", "obs", (0, 1))],
}


@pytest.fixture
def tokens(library):
    data = {"mu": np.ones((2, 2, 1)), "theta": np.ones((2, 3, 1)), "obs": np.ones((2, 3, 3, 1))}
    return Tokens.from_pytree(
        library.tree(data), RULES, event_shapes={"theta": np.array([[2], [3]])}
    )


def test_the_function_says_what_the_mask_says(library, tokens):
    allowed = tokens.mask_function()
    index = library.array(np.arange(14))
    found = allowed(0, 0, index[:, None], index[None, :])
    np.testing.assert_array_equal(np.asarray(found), np.asarray(tokens.attention_mask()))


def test_the_function_of_some_keys(library, tokens):
    allowed = tokens.mask_function(["obs", "mu"], ["theta"])
    rows, columns = library.array(np.arange(11)), library.array(np.arange(3))
    expected = tokens.cross_attention_mask(["obs", "mu"], ["theta"], dtype=bool)
    found = allowed(0, 0, rows[:, None], columns[None, :])
    np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))


def test_the_function_knows_padding(library, tokens):
    allowed = tokens.mask_function(padding=True)
    index = library.array(np.arange(14))
    expected = np.asarray(tokens.attention_mask(padding=True))
    for sample in (0, 1):
        found = allowed(sample, 0, index[:, None], index[None, :])
        np.testing.assert_array_equal(np.asarray(found), expected[sample])


def test_flex_attention_agrees_with_the_dense_mask(hierarchy, hierarchical_independence):
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    tokens = Tokens.from_pytree(hierarchy, hierarchical_independence).map(torch.from_numpy)
    q, k, v = torch.randn(3, 4, 2, 21, 16).unbind(0)
    allowed = tokens.mask_function()
    block_mask = create_block_mask(allowed, None, None, 21, 21, device="cpu", BLOCK_SIZE=8)
    with pytest.warns(UserWarning, match="flex_attention called without torch.compile"):
        found = flex_attention(q, k, v, block_mask=block_mask)
    mask = tokens.attention_mask()
    expected = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    torch.testing.assert_close(found, expected)


def test_a_hundred_thousand_tokens_need_no_square():
    slices = {
        "theta": {"offset": 0, "event_shape": (1000,)},
        "obs": {"offset": 1000, "event_shape": (1000, 99)},
    }
    allowed = build_mask_function(slices, slices, {"cross_local": [("theta", "obs", (0, 0))]})
    rows = np.array([5, 5, 1000 + 99 * 5, 99_999])
    columns = np.array([1000 + 99 * 5, 1000 + 99 * 6, 5, 0])
    assert allowed(0, 0, rows, columns).tolist() == [True, False, True, False]
