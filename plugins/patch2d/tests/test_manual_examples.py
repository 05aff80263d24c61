"""The manual's usage patterns, as its users have them, apart from the import line."""

from __future__ import annotations

import torch

from tokenry_patch2d import build_sequence_pair, extract_patch_pairs, tokenize_patch


def test_tokenize_a_single_patch():
    patch = torch.randn(3, 64, 64)  # 3 channels, 64x64 patch
    tokens, coords = tokenize_patch(patch, patch_size=16, stride=8)
    assert tokens.shape == (49, 768)
    assert coords.shape == (49, 2)


def test_build_a_sequence_pair_with_a_known_transform():
    patch1 = torch.randn(3, 64, 64)
    patch2 = torch.randn(3, 64, 64)
    result = build_sequence_pair(
        patch1, patch2,
        dx=4.0, dy=2.0, rot_k90=1,
        patch_size=16, stride=8
    )  # fmt: skip
    overlapping_tokens1 = result["tokens1"][result["overlap_mask1"]]
    overlapping_tokens2 = result["tokens2"][result["overlap_mask2"]]
    assert overlapping_tokens1.shape == (int(result["overlap_mask1"].sum()), 768)
    assert overlapping_tokens2.shape == (int(result["overlap_mask2"].sum()), 768)


def test_process_a_batch():
    N = 50
    patches1 = torch.randn(N, 3, 64, 64)
    patches2 = torch.randn(N, 3, 64, 64)
    dx = torch.randn(N) * 5.0
    dy = torch.randn(N) * 5.0
    rot_k90 = torch.randint(0, 4, (N,))

    result = build_sequence_pair(
        patches1, patches2, dx, dy, rot_k90,
        patch_size=16, stride=8
    )  # fmt: skip
    for i in range(N):
        T = result["sequence_lengths"][i].item()
        tokens_i = result["tokens1"][i, :T]
        assert tokens_i.shape == (49, 768)


def test_convert_extracted_pairs_to_sequences():
    images = torch.randn(10, 3, 128, 128)
    patches1, patches2, deltas, rotations = extract_patch_pairs(
        images, window=(64, 64), num_patches=5
    )
    result = build_sequence_pair(
        patches1[0], patches2[0],
        dx=deltas[0, 0].item(),
        dy=deltas[0, 1].item(),
        rot_k90=rotations[0].item(),
        patch_size=16
    )  # fmt: skip
    assert patches1.shape == patches2.shape == (50, 3, 64, 64)
    assert result["overlap_mask1"].any()
