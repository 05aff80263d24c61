"""Order and padding change nothing: for every pooling, every head and sets of any sizes."""

from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenry_pairs import PairMatchingModel, ReasoningHead, SetPoolingModule
from tokenry_pairs.model import POOLINGS, REASONINGS

SMALL = {"img_size": 8, "patch_size": 2, "embed_dim": 32, "depth": 2, "num_heads": 2}
CLOSE = {"rtol": 1e-4, "atol": 1e-5}

each_pooling = pytest.mark.parametrize("pooling", POOLINGS)
each_head = pytest.mark.parametrize("reasoning", REASONINGS)
sizes = st.lists(st.integers(1, 4), min_size=1, max_size=3)


@cache
def model(pooling, reasoning):
    made = PairMatchingModel(
        "vit_b_16", pooling, reasoning, 16, pretrained=False, seed=3, backbone_options=SMALL
    ).eval()
    with torch.no_grad():  # the default spread of 0.02 would leave nothing to see
        for parameter in made.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator(5)) * 0.2)
    return made


def generator(seed):
    return torch.Generator().manual_seed(seed)


def ragged(counts, seed, room=None):
    """Image sets of these sizes, padded with noise that must not matter, and their mask."""
    room = room or max(counts)
    images = torch.randn(len(counts), room, 3, 8, 8, generator=generator(seed))
    mask = torch.arange(room) < torch.tensor(counts)[:, None]
    return images, mask


@each_pooling
@each_head
@settings(max_examples=8, deadline=None)
@given(pairs=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=3))
def test_swapping_the_sets_changes_nothing(pooling, reasoning, pairs):
    (a, mask_a), (b, mask_b) = (ragged(side, i) for i, side in enumerate(zip(*pairs, strict=True)))
    with torch.no_grad():
        forth = model(pooling, reasoning)(a, b, mask_a, mask_b)
        back = model(pooling, reasoning)(b, a, mask_b, mask_a)
    torch.testing.assert_close(forth, back, **CLOSE)


@each_pooling
@each_head
@settings(max_examples=8, deadline=None)
@given(counts=sizes, seed=st.integers(0, 99))
def test_the_order_of_a_sets_images_changes_nothing(pooling, reasoning, counts, seed):
    a, mask = ragged(counts, seed)
    b, _ = ragged([2] * len(counts), seed + 1)
    order = torch.from_numpy(np.random.default_rng(seed).permutation(a.shape[1]))
    with torch.no_grad():
        before = model(pooling, reasoning)(a, b, mask)
        after = model(pooling, reasoning)(a[:, order], b, mask[:, order])
    torch.testing.assert_close(before, after, **CLOSE)


@each_pooling
@each_head
@settings(max_examples=8, deadline=None)
@given(counts=sizes, more=st.integers(1, 3), filling=st.sampled_from([0.0, 1e6, float("nan")]))
def test_padding_changes_nothing_whatever_it_holds(pooling, reasoning, counts, more, filling):
    a, mask = ragged(counts, 7)
    b, _ = ragged([2] * len(counts), 8)
    padded = torch.cat([a, torch.full((len(counts), more, 3, 8, 8), filling)], 1)
    longer = torch.cat([mask, torch.zeros(len(counts), more, dtype=torch.bool)], 1)
    with torch.no_grad():
        before = model(pooling, reasoning)(a, b, mask)
        after = model(pooling, reasoning)(padded, b, longer)
    torch.testing.assert_close(before, after, **CLOSE)


@each_pooling
@settings(max_examples=20, deadline=None)
@given(counts=sizes)
def test_a_list_of_sets_is_pooled_as_each_set_alone(pooling, counts):
    torch.manual_seed(0)
    pool = SetPoolingModule(6, 5, pooling)
    sets = [torch.randn(count, 4, 6) for count in counts]
    with torch.no_grad():
        together = pool(sets)
        alone = torch.cat([pool(one[None]) for one in sets])
    torch.testing.assert_close(together, alone, **CLOSE)


@each_head
@settings(max_examples=20, deadline=None)
@given(left=st.integers(1, 4), right=st.integers(1, 4))
def test_the_table_of_all_pairs_is_that_of_pair_by_pair(reasoning, left, right):
    torch.manual_seed(1)
    head = ReasoningHead(8, 12, reasoning)
    a, b = torch.randn(left, 8), torch.randn(right, 8)
    with torch.no_grad():
        table = head.score_all(a, b)
        pairs = [[head(x[None], y[None]).item() for y in b] for x in a]
    torch.testing.assert_close(table, torch.tensor(pairs), **CLOSE)
