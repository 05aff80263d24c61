"""The geometry of pairs against a search over all pairs of tokens in exact fractions."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tokenry_patch2d import build_sequence_pair
from tokenry_patch2d._grid import make_grid
from tokenry_patch2d._relate import relate, traced_relation

LIMIT = 40.0  # beyond the largest patch drawn here


def _told_apart(shift: float) -> bool:
    """Whether a shift is whole, half, or clearly neither."""
    off = abs(shift * 2 - round(shift * 2)) / 2
    return off == 0 or off > 1e-12


SHIFTS = st.one_of(
    st.integers(-30, 30).map(float),
    st.integers(-240, 240).map(lambda eighths: eighths / 8),
    st.floats(-LIMIT, LIMIT, width=32).filter(_told_apart),
    st.floats(-LIMIT, LIMIT).filter(_told_apart),
    st.sampled_from([1e6, -1e9, 1e300]),
)


@st.composite
def scenes(draw):
    """Extent, shifts, turn, window size and stride of a pair."""
    size = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    step = draw(st.integers(1, size[0])), draw(st.integers(1, size[1]))
    height = size[0] + draw(st.integers(0, 14))
    width = size[1] + draw(st.integers(0, 14))
    rot = draw(st.integers(-4, 7))
    if rot % 2:
        height = width = max(height, width)
    # Strides of one pixel over a large patch make the search over pairs long, not more telling.
    step = tuple(
        max(s, (e - w) // 5, 1) for s, e, w in zip(step, (height, width), size, strict=True)
    )
    step = tuple(min(s, w) for s, w in zip(step, size, strict=True))
    return (height, width), draw(SHIFTS), draw(SHIFTS), rot, size, step


def _same(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    for name, values in expected.items():
        assert found[name].shape == values.shape, name
        assert found[name].dtype == values.dtype, name
        if "fractions" in name:
            torch.testing.assert_close(found[name], values, rtol=2e-7, atol=0)
            assert torch.equal(found[name] == 1.0, values == 1.0), name
        else:
            assert torch.equal(found[name], values), name


@settings(max_examples=200)
@given(scenes(), st.sampled_from(["first", "best"]))
@example(((16, 16), 0.5, -0.5, 1, (5, 3), (2, 2)), "best")
def test_a_pair_is_related_as_a_search_over_all_tokens_finds(brute_force, scene, reverse):
    extent, dx, dy, rot, size, step = scene
    patch = torch.zeros(1, *extent)
    found = build_sequence_pair(
        patch, patch, dx, dy, rot, size, step, reverse=reverse, all_overlaps=True
    )
    _same(found, brute_force(extent, dx, dy, rot, size, step, reverse))


@settings(max_examples=200)
@given(
    scenes(), st.sampled_from(["first", "best"]), st.lists(st.tuples(SHIFTS, SHIFTS), max_size=5)
)
def test_the_torch_definition_equals_the_kernel(scene, reverse, more):
    extent, dx, dy, rot, size, step = scene
    shifts = torch.tensor([(dx, dy), *more], dtype=torch.float64)
    turn = torch.arange(len(shifts)) * (1 if extent[0] == extent[1] else 2) + rot % 4
    arguments = (make_grid(extent, size, step), *shifts.T.contiguous(), turn % 4, reverse)
    for ours, traced in zip(relate(*arguments), traced_relation(*arguments), strict=True):
        assert ours.dtype == traced.dtype
        assert torch.equal(ours, traced)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("count", [0, 1, 2, 9])
@pytest.mark.parametrize("reverse", ["first", "best"])
def test_a_batch_says_of_each_pair_what_the_pair_alone_says(dtype, count, reverse):
    source = torch.Generator().manual_seed(count)
    patches = torch.randn(2, count, 2, 33, 33, generator=source)
    dx, dy = torch.randn(2, count, generator=source, dtype=dtype) * 12
    rot = torch.randint(0, 4, (count,), generator=source)
    batch = build_sequence_pair(*patches, dx, dy, rot, 8, 3, reverse=reverse, all_overlaps=True)
    most = int(batch["overlap_pair_counts"].max()) if count else 0
    assert batch["overlap_pairs"].shape == (count, most, 2)
    assert batch["overlap_pair_counts"].shape == batch["sequence_lengths"].shape == (count,)
    assert batch["sequence_lengths"].tolist() == [100] * count
    for n in range(count):
        one = build_sequence_pair(
            patches[0, n], patches[1, n], dx[n], dy[n], rot[n], 8, 3,
            reverse=reverse, all_overlaps=True,
        )  # fmt: skip
        pairs = int(batch["overlap_pair_counts"][n])
        assert (batch["overlap_pairs"][n, pairs:] == -1).all()
        start, stop = batch["all_overlaps_indptr"][n : n + 2].tolist()
        for name, values in one.items():
            if name.startswith("all_"):
                assert torch.equal(batch[name][start:stop], values), name
            else:
                size = pairs if name == "overlap_pairs" else len(values)
                assert torch.equal(batch[name][n, :size], values), name


def test_float32_shifts_are_taken_for_what_they_are(brute_force):
    dx, dy = torch.tensor([0.1, -7.3]).unbind()
    found = build_sequence_pair(
        torch.zeros(1, 16, 16), torch.zeros(1, 16, 16), dx, dy, 2, 5, 3, all_overlaps=True
    )
    _same(found, brute_force((16, 16), dx.item(), dy.item(), 2, (5, 5), (3, 3)))


@pytest.mark.parametrize("noise", [0.0, 1e-300, -1e-17, 5e-324])
def test_rounding_noise_in_a_shift_decides_no_tie(noise):
    patch = torch.zeros(1, 11, 11)  # turned by 180 degrees, windows lie half way between windows
    plain = build_sequence_pair(patch, patch, 0.0, 0.0, 2, 4, 2)
    noisy = build_sequence_pair(patch, patch, noise, noise, 2, 4, 2)
    for name, values in plain.items():
        assert torch.equal(noisy[name], values), name


@pytest.mark.parametrize("shift", [math.inf, -math.inf, math.nan, 1e19, -1e308])
@pytest.mark.parametrize("rot", [0, 1, 2, 3])
def test_a_shift_out_of_this_world_matches_nothing(shift, rot):
    patch = torch.zeros(1, 12, 12)
    for dx, dy in ((shift, 0.0), (0.0, shift)):
        found = build_sequence_pair(patch, patch, dx, dy, rot, 4, all_overlaps=True)
        assert not found["overlap_mask1"].any()
        assert not found["overlap_mask2"].any()
        assert (found["overlap_indices1_to_2"] == -1).all()
        assert (found["overlap_fractions"] == 0).all()
        assert found["overlap_pairs"].shape == (0, 2)
        assert found["all_overlaps_flat"].shape == (0, 2)


def test_identity_maps_every_token_onto_itself():
    patch = torch.randn(3, 64, 64)
    found = build_sequence_pair(patch, patch, 0, 0, 0, 16, 8)
    assert torch.equal(found["overlap_indices1_to_2"], torch.arange(49))
    assert torch.equal(found["overlap_indices2_to_1"], torch.arange(49))
    assert (found["overlap_fractions"] == 1).all()


@pytest.mark.parametrize("rot", range(-5, 9))
def test_turns_count_modulo_four(rot):
    patch = torch.randn(1, 24, 24)
    found = build_sequence_pair(patch, patch, 3.5, -2, rot, 8)
    expected = build_sequence_pair(patch, patch, 3.5, -2, rot % 4, 8)
    for name, values in expected.items():
        assert torch.equal(found[name], values), name


@pytest.mark.parametrize("rot", [0, 1, 2, 3])
def test_counter_clockwise_turns_are_the_clockwise_ones_undone(rot):
    patch = torch.randn(1, 24, 24)
    found = build_sequence_pair(patch, patch, 3.5, -2, rot, 8, rotation="ccw")
    expected = build_sequence_pair(patch, patch, 3.5, -2, 4 - rot, 8)
    for name, values in expected.items():
        assert torch.equal(found[name], values), name


def test_one_large_pair_takes_linear_memory_and_time():
    patch = torch.zeros(1, 1024, 1024, dtype=torch.uint8)
    found = build_sequence_pair(patch, patch, 100.5, -3.25, 3, 8, 4)  # 65,025 tokens
    assert found["overlap_mask1"].sum() == len(found["overlap_pairs"]) > 50_000
