"""Gradients, traces, transforms and other devices."""

from __future__ import annotations

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tokenry_patch2d import _relate, build_sequence_pair, extract_patch_pairs, tokenize_patch
from tokenry_patch2d._grid import make_grid
from tokenry_patch2d._relate import traced_relation

CUTS = [(4, 2), (5, 3), ((3, 6), (2, 5))]  # regular, moved back, rectangular


@pytest.mark.parametrize(("size", "step"), CUTS, ids=str)
def test_gradients_flow_through_the_tokens(size, step):
    patch = torch.randn(2, 10, 10, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda p: tokenize_patch(p, size, step)[0], patch)


def test_a_pixel_s_gradient_counts_the_tokens_that_hold_it():
    patch = torch.zeros(1, 5, 5, requires_grad=True)
    tokenize_patch(patch, 3, 2)[0].sum().backward()
    once = torch.tensor([1.0, 1, 2, 1, 1])
    assert torch.equal(patch.grad[0], once[:, None] * once)


def test_gradients_flow_through_both_patches_of_a_pair():
    patch1, patch2 = (torch.randn(2, 1, 11, 11, requires_grad=True) for _ in range(2))
    found = build_sequence_pair(patch1, patch2, 1.5, 0, 1, 4, 3)
    (found["tokens1"] * found["overlap_fractions"][..., None]).sum().backward()
    assert patch1.grad.abs().sum() > 0
    assert patch2.grad is None
    found["tokens2"].sum().backward()
    assert patch2.grad.abs().sum() > 0


def test_a_parameter_gets_its_gradient_too():
    patch = torch.nn.Parameter(torch.zeros(1, 6, 6))
    tokenize_patch(patch, 3)[0].sum().backward()
    assert patch.grad.min() >= 1


@pytest.mark.parametrize(("size", "step"), CUTS, ids=str)
def test_tokens_compile_into_one_graph(size, step):
    torch.compiler.reset()
    compiled = torch.compile(
        lambda p: tokenize_patch(p * 2, size, step), fullgraph=True, backend="aot_eager"
    )
    patch = torch.randn(2, 3, 10, 10)
    for found, expected in zip(compiled(patch), tokenize_patch(patch * 2, size, step), strict=True):
        assert torch.equal(found, expected)


def test_pairs_compile():
    torch.compiler.reset()

    def loss(patch1, patch2, dx, dy, rot):
        found = build_sequence_pair(patch1, patch2, dx, dy, rot, 5, 3)
        return found["overlap_fractions"], found["overlap_pairs"], found["tokens2"]

    compiled = torch.compile(loss, backend="aot_eager")
    arguments = *torch.randn(2, 3, 1, 12, 12), *torch.randn(2, 3) * 4, torch.arange(3)
    for found, expected in zip(compiled(*arguments), loss(*arguments), strict=True):
        assert torch.equal(found, expected)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # torch's own
@pytest.mark.parametrize(("size", "step"), CUTS, ids=str)
def test_function_transforms_see_through_the_tokens(size, step):
    patches = torch.randn(4, 2, 10, 10)
    mapped = torch.func.vmap(lambda p: tokenize_patch(p, size, step)[0])(patches)
    assert torch.equal(mapped, tokenize_patch(patches, size, step)[0])
    tangent = torch.randn_like(patches)
    _, pushed = torch.func.jvp(lambda p: tokenize_patch(p, size, step)[0], (patches,), (tangent,))
    assert torch.equal(pushed, tokenize_patch(tangent, size, step)[0])


class OnlyOn(TorchDispatchMode):
    """Fails where an operation gives a tensor on another device than the one named."""

    def __init__(self, device):
        super().__init__()
        self.device = device

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for value in result if isinstance(result, tuple | list) else (result,):
            assert not isinstance(value, torch.Tensor) or value.device.type == self.device, func
        return result


# A tensor on "meta" has a device that is not the host's, and no memory to fall back upon.
@pytest.mark.parametrize(("size", "step"), CUTS, ids=str)
def test_tokens_are_made_on_the_patch_s_device(size, step):
    patch = torch.empty(4, 2, 10, 10, device="meta")
    with OnlyOn("meta"):
        tokens, coords = tokenize_patch(patch, size, step)
    assert tokens.device.type == coords.device.type == "meta"
    assert tokens.shape == tokenize_patch(torch.empty(4, 2, 10, 10), size, step)[0].shape


@pytest.mark.parametrize("reverse", ["first", "best"])
def test_the_geometry_is_made_on_the_patches_device(reverse, monkeypatch):
    # Only the number of matches has to be read back, which this device cannot give.
    monkeypatch.setattr(_relate, "_pairs", lambda forth: (forth, forth.sum(1)))
    patches = torch.empty(2, 3, 1, 12, 12, device="meta")
    dx, rot = torch.empty(3, device="meta"), torch.empty(3, dtype=torch.int64, device="meta")
    with OnlyOn("meta"):
        found = build_sequence_pair(*patches, dx, 2.5, rot, 5, reverse=reverse)
    assert {values.device.type for values in found.values()} == {"meta"}


def test_only_the_size_of_the_pairs_leaves_the_device():
    class Reads(TorchDispatchMode):
        count = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            self.count += func in (
                torch.ops.aten._local_scalar_dense.default,
                torch.ops.aten.nonzero.default,
            )
            return func(*args, **(kwargs or {}))

    grid = make_grid((12, 12), 5, 3)
    shifts = torch.randn(2, 4, dtype=torch.float64)
    with Reads() as reads:
        traced_relation(grid, *shifts, torch.arange(4), "first")
    assert reads.count == 1


def test_patches_are_cut_on_the_images_device():
    images = torch.empty(2, 3, 40, 40, device="meta")
    for values in extract_patch_pairs(images, 8, 5, rotation_choices=range(4)):
        assert values.device.type == "meta"
        assert len(values) == 10


def test_patches_on_two_devices_are_an_error():
    patch = torch.zeros(1, 8, 8)
    with pytest.raises(ValueError, match="Both patches must be on one device, got cpu and meta"):
        build_sequence_pair(patch, patch.to("meta"), 0, 0, 0, 4)


def test_the_default_device_makes_no_difference():
    images = torch.randn(2, 1, 40, 40)
    with torch.device("meta"):
        patches1, patches2, deltas, turns = extract_patch_pairs(
            images, 10, 5, random_seed=0, rotation_choices=range(4)
        )
        found = build_sequence_pair(patches1, patches2, *deltas.T, turns, 4, 3, all_overlaps=True)
    assert {values.device.type for values in found.values()} == {"cpu"}
