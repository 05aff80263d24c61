from __future__ import annotations

from collections import Counter

import pytest
import torch

from tokenry_patch2d import extract_patch_pairs


def _places(images, window, patches):
    """Where patches of an image whose pixels count up were cut: (image, y, x)."""
    _, _, height, width = images.shape
    first = patches[:, 0, 0, 0].long()
    return first // (height * width), first // width % height, first % width


def _counting(count, height, width):
    return torch.arange(count * height * width, dtype=torch.float64).view(count, 1, height, width)


@pytest.mark.parametrize("window", [(8, 8), (6, 10), (11, 5)], ids=str)
def test_the_delta_is_where_patch_2_lies_seen_from_patch_1(window):
    images = _counting(3, 40, 50)
    patches1, patches2, deltas, rotations = extract_patch_pairs(images, window, 200, random_seed=0)
    assert patches1.shape == patches2.shape == (600, 1, *window)
    assert (deltas.dtype, rotations.dtype) == (torch.float32, torch.int64)
    (n1, y1, x1), (n2, y2, x2) = (_places(images, window, p) for p in (patches1, patches2))
    assert torch.equal(n1, torch.arange(3).repeat_interleave(200))
    assert torch.equal(n1, n2)
    assert torch.equal(deltas, torch.stack([x2 - x1, y2 - y1], 1).float())
    assert (rotations == 0).all()
    for n, y, x, patch in zip(n1, y1, x1, patches1, strict=True):
        assert torch.equal(images[n, :, y : y + window[0], x : x + window[1]], patch)


def test_a_turned_patch_is_the_plain_one_turned_clockwise():
    images = torch.randn(2, 3, 64, 64)
    plain = extract_patch_pairs(images, (16, 16), 50, random_seed=3, rotation_choices=(0,))
    turned = extract_patch_pairs(images, (16, 16), 50, random_seed=3, rotation_choices=(1, 2, 3, 4))
    assert torch.equal(plain[0], turned[0])
    assert set(turned[3].tolist()) == {0, 1, 2, 3}
    for before, after, turn in zip(plain[1], turned[1], turned[3].tolist(), strict=True):
        assert torch.equal(torch.rot90(before, -turn, (1, 2)), after)


def test_displacements_are_uniform_over_the_whole_ring():
    images = torch.zeros(1, 1, 20, 20, dtype=torch.uint8)
    draws = 30_000
    *_, deltas, _ = extract_patch_pairs(images, 4, draws, (2.0, 4.5), random_seed=1)
    ring = {
        (dx, dy) for dx in range(-5, 6) for dy in range(-5, 6) if 4.0 <= dx * dx + dy * dy <= 20.25
    }
    seen = Counter((int(dx), int(dy)) for dx, dy in deltas.tolist())
    assert set(seen) == ring
    expected = draws / len(ring)
    chi_square = sum((seen[place] - expected) ** 2 / expected for place in ring)
    assert chi_square < len(ring) + 6 * (2 * len(ring)) ** 0.5


def test_every_valid_location_is_reached_evenly():
    images = _counting(1, 9, 11)
    draws = 40_000
    patches1, _, deltas, _ = extract_patch_pairs(images, (5, 6), draws, (0, 2), random_seed=2)
    _, y, x = _places(images, (5, 6), patches1)
    seen = Counter(zip(*deltas.int().T.tolist(), y.tolist(), x.tolist(), strict=True))
    for dx, dy in {key[:2] for key in seen}:
        ys = range(max(0, -dy), 9 - 5 - max(0, dy) + 1)
        xs = range(max(0, -dx), 11 - 6 - max(0, dx) + 1)
        here = {key[2:]: n for key, n in seen.items() if key[:2] == (dx, dy)}
        assert set(here) == {(a, b) for a in ys for b in xs}
        mean = sum(here.values()) / len(here)
        assert max(here.values()) < mean + 6 * mean**0.5


def test_the_same_seed_gives_the_same_pairs_and_leaves_the_global_generator_alone():
    images = torch.randn(2, 1, 40, 40)
    state = torch.get_rng_state()
    first = extract_patch_pairs(images, 8, 5, random_seed=7, rotation_choices=range(4))
    second = extract_patch_pairs(images, 8, 5, random_seed=7, rotation_choices=range(4))
    other = extract_patch_pairs(images, 8, 5, random_seed=8, rotation_choices=range(4))
    assert torch.equal(torch.get_rng_state(), state)
    for a, b in zip(first, second, strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(first[2], other[2])


def test_without_a_seed_the_global_generator_decides():
    images = torch.randn(1, 1, 40, 40)
    torch.manual_seed(5)
    first, second = (extract_patch_pairs(images, 8, 20)[2] for _ in range(2))
    torch.manual_seed(5)
    assert torch.equal(extract_patch_pairs(images, 8, 20)[2], first)
    assert not torch.equal(first, second)


def test_the_default_range_is_a_quarter_to_three_quarters_of_the_smaller_side():
    *_, deltas, _ = extract_patch_pairs(torch.zeros(1, 1, 60, 90), (16, 40), 5000, random_seed=0)
    lengths = deltas.norm(dim=1)
    assert lengths.min() == 4
    assert lengths.max() == 12


def test_an_image_that_is_just_large_enough_will_do():
    patches1, *_ = extract_patch_pairs(torch.zeros(1, 1, 12, 13), (8, 9), 50, (1, 4.9))
    assert patches1.shape == (50, 1, 8, 9)


@pytest.mark.parametrize("size", [(11, 13), (12, 12)], ids=str)
def test_a_smaller_image_is_an_error_that_says_the_smallest_that_would_do(size):
    with pytest.raises(ValueError, match=r"smallest image that would do is \(12, 13\)"):
        extract_patch_pairs(torch.zeros(1, 1, *size), (8, 9), 50, (1, 4.9))


def test_the_smallest_image_follows_the_ring_and_not_its_radius():
    # (1, 1) is the only kind of whole displacement between 1.1 and 1.9.
    extract_patch_pairs(torch.zeros(1, 1, 9, 9), 8, 4, (1.1, 1.9))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"window": 0}, "window must be positive, got 0"),
        ({"window": (4, 4, 4)}, r"window must be an integer or a \(height, width\) pair"),
        ({"window": 41}, r"too small .* smallest image that would do is"),
        ({"num_patches": -1}, "num_patches must not be negative, got -1"),
        ({"delta_range": (5, 2)}, r"0 <= low <= high .*, got \(5, 2\)"),
        ({"delta_range": (-1, 2)}, r"0 <= low <= high .*, got \(-1, 2\)"),
        ({"delta_range": (0, float("inf"))}, r"0 <= low <= high and be finite, got \(0, inf\)"),
        ({"delta_range": (0.2, 0.8)}, r"holds no whole displacement: widen it, .* \(0, 1\)"),
        ({"rotation_choices": ()}, "must name at least one turn"),
        ({"window": (8, 9), "rotation_choices": (0, 3)}, "rotation_choices must be even"),
    ],
    ids=str,
)
def test_what_cannot_be_is_an_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        extract_patch_pairs(
            **({"images": torch.zeros(1, 1, 40, 40), "window": 8, "num_patches": 2} | arguments)
        )


def test_images_must_have_four_dimensions():
    with pytest.raises(
        ValueError, match=r"images must be 4D \(N, C, H, W\), got shape \(3, 40, 40\)"
    ):
        extract_patch_pairs(torch.zeros(3, 40, 40), 8, 2)


@pytest.mark.parametrize(("count", "number"), [(0, 3), (2, 0), (0, 0)])
def test_no_images_or_no_pairs_give_empty_tensors(count, number):
    patches1, patches2, deltas, rotations = extract_patch_pairs(
        torch.zeros(count, 3, 40, 40), 8, number, rotation_choices=(1,)
    )
    assert patches1.shape == patches2.shape == (0, 3, 8, 8)
    assert deltas.shape == (0, 2)
    assert rotations.shape == (0,)


def test_gradients_flow_to_the_images():
    images = torch.randn(1, 1, 30, 30, dtype=torch.float64, requires_grad=True)
    patches1, patches2, *_ = extract_patch_pairs(
        images, 8, 4, random_seed=0, rotation_choices=(1, 2)
    )
    (patches1.sum() + patches2.sum()).backward()
    assert images.grad is not None
    assert images.grad.sum() == 2 * 4 * 64
