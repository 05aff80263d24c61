"""The kernel does what its definition says."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tokenry_image import ImageConfig
from tokenry_image._codec import Codec
from tokenry_image._kernels import arcsinh_definition, prepare_band, prepare_rows

FLOATS = st.floats(width=32, allow_nan=True, allow_infinity=True)


@pytest.mark.parametrize("stretched", [True, False])
@settings(deadline=None)  # the first call compiles
@given(raw=hnp.arrays(np.float32, (2, 3, 7), elements=FLOATS))
def test_kernel_agrees_with_its_definition(stretched, raw):
    offset, scale = np.float32([0.0, -3.0, 100.0]), np.float32([1.0, 0.01, 50.0])
    images, mask = np.empty_like(raw), np.empty(raw.shape, bool)
    prepare_rows(raw, offset, scale, stretched, images, mask)
    wanted, seen = arcsinh_definition(raw, offset, scale, stretched)
    assert np.array_equal(mask, seen)
    same = raw.copy()
    prepare_rows(same, offset, scale, stretched, same, mask)
    assert np.array_equal(images, same)
    with np.errstate(over="ignore"):
        wanted = wanted.astype(np.float32)
    inside = np.abs(wanted) < 1e30  # beyond, float32 overflows where float64 does not
    if stretched:
        inside = np.abs(raw) < 1e30
    assert np.allclose(images[inside], wanted[inside], rtol=3e-7, atol=3e-7)


def test_restoring_undoes_preparing():
    codec = Codec(ImageConfig(cutout_size=8, bands=["R"]))
    codec.offset.fill_(5.0)
    codec.scale.fill_(0.25)
    raw = torch.randn(3, 1, 8, 8) * 100
    images, mask = codec.prepare_images(raw.clone())
    assert mask.all()
    assert torch.allclose(codec.restore_images(images), raw, rtol=1e-5, atol=1e-5)


def test_one_band_is_prepared_as_all_are_and_counted():
    raw = np.random.default_rng(0).normal(size=(4, 3, 50)).astype(np.float32)
    raw[1, 2, :7] = np.nan
    offset, scale = np.float32([0.5, -3.0, 1.0]), np.float32([1.0, 0.01, 50.0])
    images, mask = np.empty_like(raw), np.empty(raw.shape, bool)
    prepare_rows(raw, offset, scale, True, images, mask)
    out, seen, counts = np.empty_like(raw), np.empty(raw.shape, bool), np.zeros((4, 3), np.int64)
    for band in range(3):
        given = np.ascontiguousarray(raw[:, band])
        given.flags.writeable = False
        prepare_band(given, band, offset, scale, True, out, seen, counts)
    assert np.array_equal(out, images)
    assert np.array_equal(seen, mask)
    assert np.array_equal(counts, mask.sum(2))
