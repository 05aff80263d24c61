from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tokenry_core.errors import ShapeError
from tokenry_patch2d import tokenize_patch, untokenize


@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 9), st.integers(0, 9), st.data())
def test_untokenize_undoes_tokenize(height, width, more_down, more_across, data):
    step = data.draw(st.integers(1, height)), data.draw(st.integers(1, width))
    patches = torch.randn(2, 3, height + more_down, width + more_across, dtype=torch.float64)
    tokens, _ = tokenize_patch(patches, (height, width), step)
    again = untokenize(tokens, patches.shape[2:], (height, width), step)
    torch.testing.assert_close(again, patches, rtol=1e-14, atol=0)
    one = untokenize(tokens[0], patches.shape[2:], (height, width), step)
    assert torch.equal(one, again[0])


@pytest.mark.parametrize(
    "dtype", [torch.uint8, torch.int32, torch.int64, torch.bool, torch.float16, torch.bfloat16]
)
def test_dtypes_come_back_exactly(dtype):
    patch = (torch.randn(2, 13, 17) * 50).to(dtype)
    again = untokenize(tokenize_patch(patch, 5, 2)[0], (13, 17), 5, 2)
    assert again.dtype == dtype
    assert torch.equal(again, patch)


def test_overlapping_tokens_that_differ_are_averaged():
    tokens = torch.tensor([[0.0, 0.0], [4.0, 4.0]])
    assert untokenize(tokens, (1, 3), (1, 2), 1).tolist() == [[[0.0, 2.0, 4.0]]]


def test_integer_means_are_rounded_to_the_nearest():
    tokens = torch.tensor([[0, 0, 0], [0, 0, 0], [2, 2, 2]])
    assert untokenize(tokens, (1, 5), (1, 3), 1).tolist() == [[[0, 0, 1, 1, 2]]]


def test_the_tokens_are_not_changed():
    tokens = torch.randn(9, 16)
    before = tokens.clone()
    untokenize(tokens, (8, 8), 4)
    assert torch.equal(tokens, before)


@pytest.mark.parametrize("shape", [(8, 16), (9, 15), (16,), (1, 1, 9, 16)], ids=str)
def test_tokens_that_do_not_fill_the_patch_are_an_error(shape):
    with pytest.raises(ShapeError, match=r"tokens must have shape \(9, C \* 16\)"):
        untokenize(torch.zeros(shape), (8, 8), 4)


def test_gradients_flow_back_to_the_tokens():
    tokens = torch.randn(9, 16, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: untokenize(t, (8, 8), 4), tokens)
