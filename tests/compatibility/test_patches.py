"""The manual "QLTY pretokenizer_2d": its usage patterns, apart from the import line."""

import inspect

import torch
from torch.utils.data import DataLoader

from tokenry_patch2d import (
    PatchPairDataset,
    build_sequence_pair,
    extract_patch_pairs,
    tokenize_patch,
)

SINGLE = {
    "tokens1",
    "tokens2",
    "coords1",
    "coords2",
    "overlap_mask1",
    "overlap_mask2",
    "overlap_indices1_to_2",
    "overlap_indices2_to_1",
    "overlap_fractions",
    "overlap_pairs",
}


def test_signatures_are_those_of_the_manual():
    assert list(inspect.signature(tokenize_patch).parameters)[:3] == [
        "patch",
        "patch_size",
        "stride",
    ]
    names = ["patch1", "patch2", "dx", "dy", "rot_k90", "patch_size", "stride"]
    assert list(inspect.signature(build_sequence_pair).parameters)[:7] == names


def test_a_patch_becomes_flattened_tokens_with_corners():
    tokens, coords = tokenize_patch(torch.randn(3, 64, 64), patch_size=16, stride=8)
    assert tokens.shape == (49, 3 * 16 * 16)
    assert coords.shape == (49, 2)
    half, _ = tokenize_patch(torch.randn(3, 64, 64), patch_size=16)
    assert half.shape == (49, 768)  # the default stride is half a token


def test_a_pair_of_patches_has_the_keys_of_the_manual():
    patches = torch.randn(2, 3, 64, 64)
    result = build_sequence_pair(
        patches[0], patches[1], dx=4.0, dy=2.0, rot_k90=1, patch_size=16, stride=8
    )
    assert set(result) == SINGLE
    overlapping = result["tokens1"][result["overlap_mask1"]]
    assert overlapping.shape == (len(result["overlap_pairs"]), 768)
    assert (result["overlap_fractions"][result["overlap_mask1"]] > 0).all()


def test_a_batch_of_extracted_pairs_says_how_long_each_sample_is():
    images = torch.randn(2, 3, 128, 128)
    patches1, patches2, deltas, rotations = extract_patch_pairs(
        images, window=(64, 64), num_patches=5
    )
    result = build_sequence_pair(
        patches1, patches2, deltas[:, 0], deltas[:, 1], rotations, patch_size=16
    )
    assert set(result) == SINGLE | {"sequence_lengths", "overlap_pair_counts"}
    length = result["sequence_lengths"][0].item()
    assert result["tokens1"][0, :length].shape == (49, 768)
    assert result["overlap_pair_counts"].shape == (10,)


def test_a_turn_is_clockwise():
    patch = torch.arange(64.0).view(1, 8, 8)
    turned = torch.rot90(patch, -1, (1, 2))
    pair = build_sequence_pair(patch, turned, 0, 0, 1, patch_size=4, stride=4)
    first = pair["tokens1"][0].view(4, 4)
    second = pair["tokens2"][pair["overlap_indices1_to_2"][0]].view(4, 4)
    assert torch.equal(torch.rot90(first, -1), second)


def test_positive_pairs_come_with_weights():
    dataset = PatchPairDataset(torch.randn(4, 1, 48, 48), window=24, patch_size=8)
    (batch,) = DataLoader(dataset, batch_size=4, collate_fn=dataset.collate)
    assert len(batch["positives"]) == len(batch["weights"]) > 0
