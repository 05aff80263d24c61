"""Tokens in torch: compiled, differentiated, and in its attention."""

import numpy as np
import pytest
import torch

from tokenry_core.tokens import Ragged, Tokens, rows_without_attention


@pytest.fixture
def tokens(hierarchy, hierarchical_independence):
    return Tokens.from_pytree(hierarchy, hierarchical_independence).map(torch.from_numpy)


def compiled(function):
    torch._dynamo.reset()
    return torch.compile(function, backend="aot_eager", fullgraph=True)


def attend(tokens: Tokens, weight: torch.Tensor) -> torch.Tensor:
    mask = tokens.self_attention_mask
    hidden = (
        mask @ (tokens.data @ weight) + tokens.labels[..., None] + tokens.padding_mask[..., None]
    )
    theta = tokens.select_tokens(["theta"])
    update = tokens.with_values(theta=theta.decode()["theta"] * 2)
    return (hidden.sum() + update.data.sum() + theta.self_attention_mask.sum()) ** 2


def test_a_function_of_tokens_compiles_in_one_graph(tokens):
    weight = torch.ones(1, 8, requires_grad=True)
    found = compiled(attend)(tokens, weight)
    expected = attend(tokens, weight)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(
        torch.autograd.grad(found, weight), torch.autograd.grad(expected, weight)
    )


def test_tokens_can_be_made_inside_a_compiled_function():
    def make(mu, obs):
        tokens = Tokens.from_pytree({"mu": mu, "obs": obs}, {"local": ["obs"]})
        return tokens.data.sum() + tokens.self_attention_mask.sum()

    arguments = torch.ones(2, 1, 1), torch.ones(2, 3, 1)
    torch.testing.assert_close(compiled(make)(*arguments), make(*arguments))


def test_gradients_flow_through_flatten_replace_and_decode():
    mu, theta = torch.ones(2, 1, 1, requires_grad=True), torch.ones(2, 3, 1, requires_grad=True)
    tokens = Tokens.from_pytree({"mu": mu, "theta": torch.zeros(2, 3, 1)}).with_values(theta=theta)
    (tokens.decode()["theta"].sum() * 3 + tokens.data.sum()).backward()
    assert (mu.grad == 1).all()
    assert (theta.grad == 4).all()


def test_boolean_masks_suit_torchs_attention(tokens):
    q = k = v = torch.randn(4, 1, 21, 8)
    mask = tokens.attention_mask()
    found = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    weights = (q @ k.mT / 8**0.5).masked_fill(~mask, -torch.inf).softmax(-1)
    torch.testing.assert_close(found, weights @ v)


def test_padding_suits_torchs_attention():
    rows = Ragged(torch.arange(5.0), torch.tensor([0, 2, 5]))
    tokens = Tokens.from_pytree({"xp": rows}, batch_ndims=0)
    mask = tokens.attention_mask(padding=True)
    v = torch.eye(3).expand(2, 1, 3, 3)
    zeros = torch.zeros_like(v)
    out = torch.nn.functional.scaled_dot_product_attention(zeros, zeros, v, attn_mask=mask[:, None])
    torch.testing.assert_close(out[0, 0], torch.tensor([[0.5, 0.5, 0.0]] * 3))


def test_rows_without_attention_are_those_that_softmax_makes_nan():
    data = {"mu": torch.ones(1, 1, 1), "obs": torch.ones(1, 3, 1)}
    tokens = Tokens.from_pytree(data, {"local": ["obs"], "cross": [("obs", "mu")]})
    mask = tokens.attention_mask()
    weights = torch.zeros(4, 4).masked_fill(~mask, -torch.inf).softmax(-1)
    assert (weights.isnan().any(-1) == rows_without_attention(mask)).all()


def test_masks_of_one_structure_can_be_changed_freely(tokens):
    mask = tokens.self_attention_mask
    mask.zero_()
    assert tokens.self_attention_mask.any()
    labels = tokens.labels.clone()
    assert (labels == tokens.labels).all()


def test_a_read_only_array_becomes_a_tensor_without_a_warning():
    frozen = np.ones((2, 1), np.float32)
    frozen.setflags(write=False)
    tokens = Tokens.from_pytree({"a": frozen, "b": torch.ones(2, 1)})
    assert isinstance(tokens.data, torch.Tensor)
