from __future__ import annotations

import numpy as np
import pytest
import torch

from tokenry_patch2d import build_sequence_pair

KEYS = {
    "tokens1", "tokens2", "coords1", "coords2", "overlap_mask1", "overlap_mask2",
    "overlap_indices1_to_2", "overlap_indices2_to_1", "overlap_fractions", "overlap_pairs",
}  # fmt: skip


def _zeros(*shape):
    return torch.zeros(shape)


def test_a_single_pair_has_the_documented_keys_shapes_and_dtypes():
    found = build_sequence_pair(_zeros(3, 32, 32), _zeros(3, 32, 32), 4.0, 2.0, 1, 16, 8)
    assert set(found) == KEYS
    assert found["tokens1"].shape == found["tokens2"].shape == (9, 768)
    assert found["coords1"].shape == found["coords2"].shape == (9, 2)
    for name in ("overlap_mask1", "overlap_mask2"):
        assert (found[name].dtype, found[name].shape) == (torch.bool, (9,))
    for name in ("overlap_indices1_to_2", "overlap_indices2_to_1"):
        assert (found[name].dtype, found[name].shape) == (torch.int64, (9,))
    assert found["overlap_fractions"].dtype == torch.float32
    assert found["overlap_pairs"].dtype == torch.int64


def test_a_batch_adds_lengths_and_counts():
    found = build_sequence_pair(_zeros(2, 1, 9, 9), _zeros(2, 1, 9, 9), 0, 0, 0, 4)
    assert set(found) == KEYS | {"sequence_lengths", "overlap_pair_counts"}
    assert found["coords1"].shape == (2, 16, 2)
    assert found["sequence_lengths"].dtype == found["overlap_pair_counts"].dtype == torch.int64


SCALARS = [3, 3.0, np.float32(3), np.int16(3), np.array(3.0), torch.tensor(3), torch.tensor(3.0)]


@pytest.mark.parametrize("three", SCALARS, ids=lambda value: f"{type(value).__name__}-{value}")
def test_scalars_and_0d_tensors_hold_for_the_whole_batch(three):
    patch = torch.randn(4, 1, 16, 16)
    found = build_sequence_pair(patch, patch, three, three, 0, 4)
    expected = build_sequence_pair(patch, patch, torch.full((4,), 3.0), [3.0] * 4, 0, 4)
    for name, values in expected.items():
        assert torch.equal(found[name], values), name


@pytest.mark.parametrize(
    "rot",
    [[0, 1, 2], np.array([0, 1, 2]), torch.tensor([0, 1, 2], dtype=torch.uint8), (4, -3, 6)],
    ids=["list", "array", "uint8", "tuple"],
)
def test_turns_may_be_any_integers(rot):
    patch = torch.randn(3, 1, 16, 16)
    found = build_sequence_pair(patch, patch, 1, 2, rot, 4)
    expected = build_sequence_pair(patch, patch, 1, 2, torch.tensor([0, 1, 2]), 4)
    for name, values in expected.items():
        assert torch.equal(found[name], values), name


def test_one_value_per_pair_need_not_be_contiguous_nor_free_of_gradients():
    patch = torch.randn(3, 1, 16, 16)
    deltas = torch.randn(3, 2, requires_grad=True)
    found = build_sequence_pair(patch, patch, deltas[:, 0], deltas[:, 1], 0, 4)
    fresh = deltas.detach().T.contiguous()
    expected = build_sequence_pair(patch, patch, fresh[0], fresh[1], 0, 4)
    assert torch.equal(found["overlap_fractions"], expected["overlap_fractions"])


@pytest.mark.parametrize("form", ["result", "mapping", "tensors"])
@pytest.mark.parametrize("shape", [(3, 64, 64), (20, 3, 64, 64)], ids=["single", "batch"])
def test_out_receives_the_tokens(form, shape):
    patch1, patch2 = torch.randn(2, *shape)
    expected = build_sequence_pair(patch1, patch2, 1, 2, 3, 16, 4)
    out = build_sequence_pair(patch2, patch1, 0, 0, 0, 16, 4)
    tensors = out["tokens1"], out["tokens2"]
    if form != "result":
        out = tensors if form == "tensors" else {"tokens1": tensors[0], "tokens2": tensors[1]}
    found = build_sequence_pair(patch1, patch2, 1, 2, 3, 16, 4, out=out)
    assert found["tokens1"].data_ptr() == tensors[0].data_ptr()
    assert found["tokens2"].data_ptr() == tensors[1].data_ptr()
    for name, values in expected.items():
        assert torch.equal(found[name], values), name


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ((2, 1, 8, 8), (3, 1, 8, 8), "Batch sizes must match: patch1 has 2 patches, patch2 has 3"),
        ((2, 1, 8, 8), (2, 2, 8, 8), "Patches must have same shape"),
        ((2, 1, 8, 8), (2, 1, 8, 9), "Patches must have same shape"),
        ((1, 8, 8), (1, 8, 9), r"Patches must have same shape, got \(1, 8, 8\) and \(1, 8, 9\)"),
        ((1, 8, 8), (1, 1, 8, 8), r"Both patches must be 3D \(C, H, W\) or 4D"),
        ((8, 8), (8, 8), "Both patches must be 3D"),
        ((1, 1, 1, 8, 8), (1, 1, 1, 8, 8), "Both patches must be 3D"),
    ],
)
def test_patches_that_do_not_go_together_are_an_error(first, second, message):
    with pytest.raises(ValueError, match=message):
        build_sequence_pair(_zeros(*first), _zeros(*second), 0, 0, 0, 4)


@pytest.mark.parametrize("name", ["dx", "dy", "rot_k90"])
@pytest.mark.parametrize("kind", [torch.zeros, np.zeros], ids=["tensor", "array"])
@pytest.mark.parametrize("shape", [(3,), (1,), (2, 1), (0,)], ids=str)
def test_a_wrong_number_of_values_is_an_error_that_names_the_argument(name, kind, shape):
    values = {"dx": 0.0, "dy": 0.0, "rot_k90": 0}
    values[name] = kind(shape, dtype=torch.int64 if kind is torch.zeros else np.int64)
    with pytest.raises(ValueError, match=rf"{name} must have shape \(2,\)"):
        build_sequence_pair(_zeros(2, 1, 8, 8), _zeros(2, 1, 8, 8), **values, patch_size=4)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"dx": "far"}, "dx must be a number, or numbers, got 'far'"),
        ({"rot_k90": 1.0}, "rot_k90 counts quarter turns"),
        ({"rot_k90": torch.tensor(1.0)}, "rot_k90 counts quarter turns.* got torch.float32"),
        ({"rotation": "left"}, "rotation must be \"cw\" .* got 'left'"),
        ({"reverse": "last"}, 'reverse must be "first" or "best", got \'last\''),
        ({"patch_size": 9}, r"patch_size \(9\) must be <= patch dimensions \(8, 8\)"),
        ({"stride": 5}, r"stride \(5\) must be <= patch_size \(4\)"),
        ({"out": [torch.zeros(9, 16)]}, "out must be the result of a former call"),
        ({"out": {"tokens1": torch.zeros(9, 16)}}, "out must be the result of a former call"),
        ({"out": (torch.zeros(9, 16), torch.zeros(8, 16))}, "out must have shape"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_a_wrong_argument_is_an_error_that_says_what_is_allowed(changed, message):
    arguments = {"dx": 0, "dy": 0, "rot_k90": 0, "patch_size": 4} | changed
    with pytest.raises(ValueError, match=message):
        build_sequence_pair(_zeros(1, 8, 8), _zeros(1, 8, 8), **arguments)


@pytest.mark.parametrize("rot", [1, 3, -1, torch.tensor(1)])
def test_an_odd_turn_of_a_patch_that_is_not_square_is_an_error(rot):
    with pytest.raises(ValueError, match=r"rot_k90 must be even for patches that are not square"):
        build_sequence_pair(_zeros(1, 8, 12), _zeros(1, 8, 12), 0, 0, rot, 4)


def test_nothing_given_is_changed():
    patch1, patch2 = torch.randn(2, 3, 1, 12, 12)
    dx, dy, rot = torch.randn(3), torch.randn(3), torch.tensor([5, -1, 2])
    given = [value.clone() for value in (patch1, patch2, dx, dy, rot)]
    found = build_sequence_pair(patch1, patch2, dx, dy, rot, 4)
    for values in found.values():
        values[...] = 1 if values.is_contiguous() else values
    for before, after in zip(given, (patch1, patch2, dx, dy, rot), strict=True):
        assert torch.equal(before, after)
