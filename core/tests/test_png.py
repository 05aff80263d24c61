"""Pictures, against what an imaging library reads of them."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from tokenry_core import png
from tokenry_core.errors import ShapeError

SIDES = st.integers(1, 9)
SHAPES = st.one_of(st.tuples(SIDES, SIDES), st.tuples(SIDES, SIDES, st.sampled_from([3, 4])))


@given(SHAPES.flatmap(lambda shape: arrays(np.uint8, shape)))
def test_an_imaging_library_reads_the_pixels_back(pixels):
    image = Image.open(io.BytesIO(png(pixels)))
    assert image.format == "PNG"
    np.testing.assert_array_equal(np.asarray(image), pixels)


def test_pixels_that_do_not_lie_in_order_are_a_picture_too():
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert png(pixels[::-1].T) == png(pixels[::-1].T.copy())


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((2, 2)),
        np.zeros((2, 2, 2), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((0, 3), "u1"),
    ],
    ids=["floats", "two colours", "a line", "nothing"],
)
def test_what_is_no_picture_is_refused_by_its_shape(pixels):
    with pytest.raises(ShapeError, match="shape"):
        png(pixels)
