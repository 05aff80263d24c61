"""Tokens that are said to show the same place do show the same pixels."""

from __future__ import annotations

import pytest
import torch

from tokenry_patch2d import build_sequence_pair, extract_patch_pairs


def _check_content(patches1, patches2, deltas, rotations, size, stride):
    """Compare every pair of tokens with fraction 1.0, the turn undone; give how many there were."""
    found = build_sequence_pair(
        patches1, patches2, deltas[:, 0], deltas[:, 1], rotations, size, stride, all_overlaps=True
    )
    shape = (patches1.shape[1], *((size, size) if isinstance(size, int) else size))
    starts, checked = found["all_overlaps_indptr"].tolist(), 0
    for n, turn in enumerate(rotations.tolist()):
        rows = slice(starts[n], starts[n + 1])
        whole = found["all_overlap_fractions_flat"][rows] == 1.0
        best = found["overlap_fractions"][n] == 1.0
        i, j = found["all_overlaps_flat"][rows][whole].T
        assert torch.equal(i[: len(i)].unique(), torch.nonzero(best)[:, 0])
        assert torch.equal(found["overlap_indices1_to_2"][n][i], j)
        first = found["tokens1"][n][i].unflatten(1, shape)
        second = found["tokens2"][n][j].unflatten(1, shape)
        assert torch.equal(first, torch.rot90(second, turn, (2, 3)))
        checked += len(i)
    return checked


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
@pytest.mark.parametrize(("size", "stride"), [(4, 1), (8, 2), (5, 3), (16, 2)])
def test_fully_shared_tokens_are_equal_pixel_by_pixel(turn, size, stride):
    images = torch.randn(4, 3, 80, 80)
    pairs = extract_patch_pairs(images, 40, 10, (8, 20), turn, (turn,))
    assert (pairs[3] == turn).all()
    assert _check_content(*pairs, size, stride) >= 20


def test_mixed_turns_in_one_batch_are_true_too():
    images = torch.randint(0, 256, (5, 2, 80, 90), dtype=torch.uint8)
    pairs = extract_patch_pairs(images, 40, 40, (0, 25), 11, range(4))
    assert _check_content(*pairs, 6, 2) > 1000


@pytest.mark.parametrize("size", [(4, 10), (7, 3)], ids=str)
def test_windows_and_tokens_that_are_not_square_are_true_for_even_turns(size):
    images = torch.randn(3, 1, 70, 80)
    pairs = extract_patch_pairs(images, (30, 42), 40, random_seed=0, rotation_choices=(0, 2))
    assert _check_content(*pairs, size, (2, 1)) > 1000


@pytest.mark.parametrize("k", [0, 1, 2, 3])
def test_patches_turned_by_rot90_are_true_counter_clockwise(k):
    image = torch.randn(2, 60, 60)
    patch1, patch2 = image[:, 5:37, 9:41], torch.rot90(image[:, 13:45, 3:35], k, (1, 2))
    found = build_sequence_pair(patch1, patch2, -6, 8, k, 8, 2, rotation="ccw")
    whole = found["overlap_fractions"] == 1.0
    first = found["tokens1"][whole].unflatten(1, (2, 8, 8))
    second = found["tokens2"][found["overlap_indices1_to_2"][whole]].unflatten(1, (2, 8, 8))
    assert whole.sum() > 50
    assert torch.equal(first, torch.rot90(second, -k, (2, 3)))
