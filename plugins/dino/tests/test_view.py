import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tokenry_dino._view import cover_box, view_image

SIDES = st.integers(1, 3000)


def smooth(width, height):
    noise = np.random.default_rng(0).integers(0, 256, (7, 9, 3), np.uint8)
    return Image.fromarray(noise).resize((width, height))


def test_resize_brings_the_whole_image_to_the_input_size_as_pillow_does():
    image = smooth(300, 200)
    found = view_image(image, (84, 56), (84, 56))
    assert np.array_equal(found, np.asarray(image.resize((84, 56), Image.Resampling.BICUBIC)))


def test_an_image_of_the_input_size_is_not_touched():
    image = smooth(84, 56)
    for fit in ("resize", "cover"):
        assert np.array_equal(view_image(image, (84, 56), (84, 56), fit), np.asarray(image))


def test_cover_equals_covering_then_cropping_then_resizing():
    image, bucket, size = smooth(500, 200), (100, 80), (98, 84)
    covered = image.resize((200, 80), Image.Resampling.BICUBIC)
    stepwise = covered.crop((50, 0, 150, 80)).resize(size, Image.Resampling.BICUBIC)
    found = view_image(image, bucket, size, "cover").astype(int)
    assert np.abs(found - np.asarray(stepwise).astype(int)).mean() < 2


@given(SIDES, SIDES, SIDES, SIDES)
def test_the_covering_box_is_central_inside_and_of_the_buckets_aspect(width, height, wide, high):
    left, top, right, bottom = cover_box((width, height), (wide, high))
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    assert abs(left - (width - right)) < 1e-6 * width + 1e-9
    assert abs(top - (height - bottom)) < 1e-6 * height + 1e-9
    assert abs((right - left) * high - (bottom - top) * wide) < 1e-6 * max(width, height) * (
        wide + high
    )
    assert abs(right - left - width) < 1e-6 * width or abs(bottom - top - height) < 1e-6 * height
