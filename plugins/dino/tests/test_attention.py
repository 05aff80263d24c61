import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from tokenry_dino import _attention
from tokenry_dino._attention import BlockedAttention, blocked_attention


def heads(tokens=70, keys=None, dtype=torch.bfloat16, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shapes = [(2, 3, tokens, 16), (2, 3, keys or tokens, 16), (2, 3, keys or tokens, 16)]
    return [torch.randn(shape, generator=generator).to(dtype) for shape in shapes]


@pytest.mark.parametrize("rows", [1, 7, 64, 512])
@pytest.mark.parametrize("keys", [None, 33])
def test_row_blocks_give_attention(rows, keys):
    query, key, value = heads(keys=keys)
    wide = [part.double() for part in (query, key, value)]
    exact = scaled_dot_product_attention(*wide)
    found = blocked_attention(query, key, value, rows).double()
    assert (found - exact).norm() / exact.norm() < 0.01


def test_row_blocks_are_exact_but_for_rounding():
    parts = heads(dtype=torch.float64)
    exact = scaled_dot_product_attention(*parts)
    torch.testing.assert_close(blocked_attention(*parts, rows=16), exact)


def test_heads_may_be_views_of_one_projection():
    joined = torch.randn(2, 50, 3, 3, 16, dtype=torch.float64)
    query, key, value = joined.permute(2, 0, 3, 1, 4).unbind(0)
    exact = scaled_dot_product_attention(query, key, value)
    torch.testing.assert_close(blocked_attention(query, key, value, rows=16), exact)


@pytest.fixture
def calls(monkeypatch):
    found = []

    def counted(*parts):
        found.append(parts[0].dtype)
        return blocked_attention(*parts)

    monkeypatch.setattr(_attention, "blocked_attention", counted)
    return found


def test_the_context_replaces_attention_in_bfloat16_alone(calls):
    half, single = heads(), heads(dtype=torch.float32)
    with BlockedAttention():
        scaled_dot_product_attention(*half)
        scaled_dot_product_attention(*single)
    scaled_dot_product_attention(*half)
    assert calls == [torch.bfloat16]


@pytest.mark.parametrize(
    "options",
    [{"is_causal": True}, {"attn_mask": torch.ones(70, 70, dtype=torch.bool)}, {"scale": 0.5}],
    ids=["causal", "mask", "scale"],
)
def test_attention_of_another_sort_is_left_alone(calls, options):
    with BlockedAttention():
        scaled_dot_product_attention(*heads(), **options)
    assert calls == []
