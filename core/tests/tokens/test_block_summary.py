"""Counts by block, against counting the dense mask."""

import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenry_core.tokens import Tokens, build_block_summary, build_self_attention_mask

RULES = {
    "local": ["mu"],
    "cross": [("mu", "obs")],
    "cross_local": [("theta", "obs", (0, 0)), ("theta", "theta", None), ("obs", "obs", (0, 1))],
}


def slices_of(sites):
    return {
        "mu": {"offset": 0, "event_shape": (2,)},
        "theta": {"offset": 2, "event_shape": (sites,)},
        "obs": {"offset": 2 + sites, "event_shape": (sites, sites)},
    }


@settings(max_examples=40, deadline=None)
@given(sites=st.integers(1, 7), block=st.integers(1, 20))
def test_counts_are_those_of_the_dense_mask(sites, block):
    slices = slices_of(sites)
    mask = build_self_attention_mask(slices, RULES, dtype="int64")
    starts = np.arange(0, len(mask), block)
    counted = np.add.reduceat(np.add.reduceat(mask, starts, 0), starts, 1)
    summary = build_block_summary(slices, slices, RULES, block)
    np.testing.assert_array_equal(summary.allowed, counted)
    assert summary.density == pytest.approx(mask.mean())


def test_kinds_are_empty_partial_and_full():
    tokens = Tokens.from_pytree(
        {"a": np.ones((1, 4, 1)), "b": np.ones((1, 3, 1))},
        {"cross": [("a", "b")], "cross_local": [("b", "b", None)]},
    )
    np.testing.assert_array_equal(
        tokens.block_summary(block_size=2).kinds,
        [[2, 2, 0, 0], [2, 2, 0, 0], [2, 2, 1, 0], [2, 2, 0, 2]],
    )


def test_a_rectangle_of_some_keys():
    data = {"mu": np.ones((1, 2, 1)), "theta": np.ones((1, 4, 1)), "obs": np.ones((1, 4, 4, 1))}
    tokens = Tokens.from_pytree(data, RULES)
    summary = tokens.block_summary(["obs"], ["theta", "mu"], block_size=4)
    assert summary.allowed.shape == (4, 2)
    assert summary.allowed.sum() == tokens.cross_attention_mask(["obs"], ["theta", "mu"]).sum()


@pytest.mark.parametrize("rules", [RULES, {}], ids=["rules", "no rules"])
@pytest.mark.parametrize("sites", [5, 4], ids=["whole blocks", "a shorter last block"])
def test_the_flex_block_mask_has_the_blocks_that_torch_finds(sites, rules):
    from torch.nn.attention.flex_attention import create_block_mask

    shapes = {"mu": (1, 2, 1), "theta": (1, sites, 1), "obs": (1, sites, sites, 1)}
    data = {key: np.ones(shape) for key, shape in shapes.items()}
    tokens = Tokens.from_pytree(data, rules).map(torch.from_numpy)
    allowed, n = tokens.mask_function(), tokens.layout.n_tokens
    found = tokens.block_summary(block_size=4).flex_block_mask(allowed)
    expected = create_block_mask(allowed, None, None, n, n, device="cpu", BLOCK_SIZE=4)
    torch.testing.assert_close(found.to_dense(), expected.to_dense())
    torch.testing.assert_close(found.kv_num_blocks, expected.kv_num_blocks)
    torch.testing.assert_close(found.full_kv_num_blocks, expected.full_kv_num_blocks)


@pytest.mark.slow
def test_a_hundred_thousand_tokens_are_summed_in_little_memory():
    slices = {
        "theta": {"offset": 0, "event_shape": (1000,)},
        "obs": {"offset": 1000, "event_shape": (1000, 99)},
    }
    rules = {"local": ["theta"], "cross_local": [("theta", "obs", (0, 0)), ("obs", "obs", (0, 0))]}
    tracemalloc.start()
    summary = build_block_summary(slices, slices, rules)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert summary.allowed.shape == (782, 782)
    assert summary.allowed.sum() == 2 * 99_000 + 1000 * 99 * 99
    assert peak < 200e6  # the mask itself would take 10 GB
