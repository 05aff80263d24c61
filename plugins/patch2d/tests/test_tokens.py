from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tokenry_core.errors import ConfigError, ShapeError
from tokenry_patch2d import tokenize_patch
from tokenry_patch2d._grid import make_grid
from tokenry_patch2d._windows import traced_windows

DTYPES = [
    torch.float32,
    torch.float64,
    torch.float16,
    torch.bfloat16,
    torch.uint8,
    torch.int16,
    torch.int64,
    torch.bool,
    torch.complex64,
]


@st.composite
def cuts(draw):
    """A shape (C, H, W), a window size and a stride that fit."""
    size = draw(st.integers(1, 9)), draw(st.integers(1, 20))
    step = draw(st.integers(1, size[0])), draw(st.integers(1, size[1]))
    shape = draw(st.integers(0, 3)), *(low + draw(st.integers(0, 17)) for low in size)
    return shape, size, step


@given(cuts())
def test_tokens_are_the_windows_in_row_major_order(brute_tokens, cut):
    shape, size, step = cut
    patch = torch.randn(shape)
    tokens, coords = tokenize_patch(patch, size, step)
    expected, corners = brute_tokens(patch, size, step)
    assert torch.equal(tokens, expected)
    assert torch.equal(coords, corners)
    assert coords.dtype == torch.int64


@given(cuts(), st.integers(0, 3))
def test_the_torch_definition_gives_the_same_tokens_as_the_kernel(cut, count):
    shape, size, step = cut
    patches = torch.randn(count, *shape)
    tokens, _ = tokenize_patch(patches, size, step)
    grid = make_grid(shape[1:], size, step)
    assert torch.equal(traced_windows(patches, grid), tokens)


@given(cuts())
def test_every_pixel_is_in_some_token_and_no_token_leaves_the_patch(cut):
    (_, height, width), size, step = cut
    _, coords = tokenize_patch(torch.zeros(1, height, width), size, step)
    seen = torch.zeros(height, width, dtype=torch.bool)
    for y, x in coords.tolist():
        assert 0 <= y <= height - size[0]
        assert 0 <= x <= width - size[1]
        seen[y : y + size[0], x : x + size[1]] = True
    assert seen.all()


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_a_batch_gives_what_its_patches_give_one_by_one(count):
    patches = torch.randn(count, 3, 21, 18)
    tokens, coords = tokenize_patch(patches, 5, 3)
    assert tokens.shape == (count, 42, 75)
    assert coords.shape == (42, 2)
    for patch, expected in zip(patches, tokens, strict=True):
        assert torch.equal(tokenize_patch(patch, 5, 3)[0], expected)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 16])
def test_any_dtype_is_copied_bit_by_bit(brute_tokens, dtype, size):
    patch = (torch.randn(2, 19, 33) * 50).to(dtype)
    tokens, _ = tokenize_patch(patch, size)
    step = max(1, size // 2)
    assert tokens.dtype == dtype
    assert torch.equal(tokens, brute_tokens(patch, (size, size), (step, step))[0])


LAYOUTS = {
    "transposed": lambda x: x.transpose(2, 3).contiguous().transpose(2, 3),
    "channels_last": lambda x: x.to(memory_format=torch.channels_last),
    "strided": lambda x: x.repeat_interleave(2, 3)[..., ::2],
    "cropped": lambda x: torch.nn.functional.pad(x, (3, 2, 1, 4))[..., 1:-4, 3:-2],
    "expanded": lambda x: x[:1].expand(4, -1, -1, -1),
    "flipped": lambda x: x.flip(2).flip(2),
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_memory_layout_makes_no_difference(layout):
    patches = layout(torch.randn(4, 3, 20, 28))
    tokens, _ = tokenize_patch(patches, 8, 5)
    assert torch.equal(tokens, tokenize_patch(patches.clone().contiguous(), 8, 5)[0])


def test_a_lazily_conjugated_patch_is_resolved():
    patch = torch.randn(1, 8, 8, dtype=torch.complex64)
    tokens, _ = tokenize_patch(patch.conj(), 4)
    assert torch.equal(tokens, tokenize_patch(patch.conj().resolve_conj(), 4)[0])


@pytest.mark.parametrize(("size", "step"), [(1, 1), (2, 1), (5, 2), (16, 8)])
def test_the_default_stride_is_half_a_window_and_at_least_one(size, step):
    patch = torch.randn(1, 20, 20)
    tokens, coords = tokenize_patch(patch, size)
    assert torch.equal(coords, tokenize_patch(patch, size, step)[1])
    assert torch.equal(tokens, tokenize_patch(patch, size, step)[0])


@pytest.mark.parametrize("size", [3, 4, 8, 16, (4, 16), (16, 24)], ids=str)
@pytest.mark.parametrize("count", [None, 0, 1, 300], ids=str)
def test_out_is_filled_and_returned(size, count):
    shape = (3, 40, 48) if count is None else (count, 3, 40, 48)
    patch = torch.randn(shape)
    expected, _ = tokenize_patch(patch, size)
    out = torch.full_like(expected, torch.nan)
    tokens, _ = tokenize_patch(patch, size, out=out)
    assert tokens is out
    assert torch.equal(out, expected)


def test_out_may_be_strided_or_start_off_alignment():
    patch = torch.randn(40, 3, 64, 64)
    expected, _ = tokenize_patch(patch, 16, 4)
    for out in (
        torch.empty(*expected.shape[:2], 2 * expected.shape[2])[..., ::2],
        torch.empty(expected.numel() + 1)[1:].view(expected.shape),
    ):
        tokenize_patch(patch, 16, 4, out=out)
        assert torch.equal(out, expected)


@pytest.mark.parametrize("wrong", [torch.empty(9, 15), torch.empty(9, 16, dtype=torch.float64)])
def test_an_out_that_does_not_fit_is_an_error_that_says_what_would(wrong):
    with pytest.raises(ShapeError, match=r"out must have shape \(1, 9, 16\), dtype torch.float32"):
        tokenize_patch(torch.zeros(1, 8, 8), 4, out=wrong)


def test_out_is_refused_where_gradients_are_recorded():
    patch = torch.zeros(1, 8, 8, requires_grad=True)
    with pytest.raises(ConfigError, match="no_grad"):
        tokenize_patch(patch, 4, out=torch.empty(9, 16))
    with torch.no_grad():
        tokenize_patch(patch, 4, out=torch.empty(9, 16))


def test_the_patch_is_not_changed_and_not_shared():
    patch = torch.randn(1, 8, 8)
    before = patch.clone()
    tokens, coords = tokenize_patch(patch, 8)
    tokens.zero_()
    coords.fill_(7)
    assert torch.equal(patch, before)
    assert tokenize_patch(patch, 8)[1].tolist() == [[0, 0]]


def test_arrays_are_taken_too_even_read_only_ones():
    array = np.arange(64, dtype=np.float32).reshape(1, 8, 8)
    array.flags.writeable = False
    tokens, _ = tokenize_patch(array, 4)
    assert torch.equal(tokens, tokenize_patch(torch.tensor(array), 4)[0])


@pytest.mark.parametrize(
    ("shape", "size", "stride", "message"),
    [
        ((8, 8), 4, None, r"patch must be 3D \(C, H, W\) or 4D .* got shape \(8, 8\)"),
        ((1, 1, 1, 8, 8), 4, None, r"patch must be 3D .* got shape \(1, 1, 1, 8, 8\)"),
        ((1, 8, 8), 0, None, "patch_size must be positive, got 0"),
        ((1, 8, 8), -3, None, "patch_size must be positive, got -3"),
        ((1, 8, 8), (4, 0), None, r"patch_size must be positive, got \(4, 0\)"),
        ((1, 8, 8), 9, None, r"patch_size \(9\) must be <= patch dimensions \(8, 8\)"),
        ((1, 8, 5), 6, None, r"patch_size \(6\) must be <= patch dimensions \(8, 5\)"),
        ((1, 8, 8), 4, 0, "stride must be positive, got 0"),
        ((1, 8, 8), 4, -1, "stride must be positive, got -1"),
        ((1, 8, 8), 4, 5, r"stride \(5\) must be <= patch_size \(4\)"),
        ((1, 8, 8), (4, 2), (4, 3), r"stride \(4, 3\) must be <= patch_size \(4, 2\)"),
        ((1, 8, 8), 4.0, None, "patch_size must be made of integers, got 4.0"),
        ((1, 8, 8), True, None, "patch_size must be positive, got True"),
        ((1, 8, 8), (1, 2, 3), None, r"patch_size must be an integer or a \(height, width\) pair"),
    ],
)
def test_an_impossible_cut_is_an_error_that_names_the_values(shape, size, stride, message):
    with pytest.raises(ValueError, match=message):
        tokenize_patch(torch.zeros(shape), size, stride)
