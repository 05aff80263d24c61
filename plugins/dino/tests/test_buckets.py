import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tokenry_core.errors import ConfigError
from tokenry_dino import DEFAULT_BUCKETS, assign_bucket, bucket_input_size, parse_bucket

PATCH_14 = [
    ("1024x1024", (1022, 1022), (73, 73), 5329),
    ("1216x832", (1218, 826), (87, 59), 5133),
    ("832x1216", (826, 1218), (59, 87), 5133),
    ("1280x768", (1274, 770), (91, 55), 5005),
    ("768x1280", (770, 1274), (55, 91), 5005),
    ("1344x704", (1344, 700), (96, 50), 4800),
    ("704x1344", (700, 1344), (50, 96), 4800),
]
PATCH_16 = [
    ("1024x1024", (1024, 1024), (64, 64), 4096),
    ("1216x832", (1216, 832), (76, 52), 3952),
    ("832x1216", (832, 1216), (52, 76), 3952),
    ("1280x768", (1280, 768), (80, 48), 3840),
    ("768x1280", (768, 1280), (48, 80), 3840),
    ("1344x704", (1344, 704), (84, 44), 3696),
    ("704x1344", (704, 1344), (44, 84), 3696),
]


@pytest.mark.parametrize(
    ("patch", "row"), [(14, row) for row in PATCH_14] + [(16, row) for row in PATCH_16]
)
def test_every_default_bucket_has_the_published_input_grid_and_count(patch, row):
    name, size, grid, count = row
    bucket = parse_bucket(name)
    assert bucket in DEFAULT_BUCKETS
    assert bucket_input_size(bucket, patch) == size
    assert (size[0] // patch, size[1] // patch) == grid
    assert grid[0] * grid[1] == count


def test_the_default_buckets_are_those_of_the_table():
    assert [str(bucket) for bucket in DEFAULT_BUCKETS] == [row[0] for row in PATCH_14]


@example(1, 6, 14)
@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 40))
def test_input_size_is_the_nearest_multiple_and_at_least_one_patch(width, height, patch):
    for side, found in zip((width, height), bucket_input_size((width, height), patch), strict=True):
        nearest = min(range(patch, side + 2 * patch, patch), key=lambda m: (abs(m - side), -m))
        assert found == nearest


@given(st.integers(1, 20_000), st.integers(1, 20_000))
def test_assigned_bucket_has_the_nearest_log_aspect(width, height):
    found = assign_bucket(width, height)
    distance = [abs(math.log(b.width / b.height * height / width)) for b in DEFAULT_BUCKETS]
    at = DEFAULT_BUCKETS.index(found)
    assert distance[at] <= min(distance) + 1e-12


@given(st.integers(1, 20_000), st.integers(1, 20_000))
def test_turning_an_image_turns_its_bucket(width, height):
    if width != height:
        wide, high = assign_bucket(width, height)
        assert assign_bucket(height, width) == (high, wide)


def test_own_buckets_are_chosen_from():
    assert assign_bucket(300, 100, [(64, 64), (128, 32)]) == (128, 32)


@pytest.mark.parametrize("text", ["1216x832", "1216×832", " 1216 x 832 "])  # noqa: RUF001
def test_buckets_are_read_with_the_letter_and_with_the_sign(text):
    assert parse_bucket(text) == (1216, 832)


@pytest.mark.parametrize("text", ["", "1216", "1216x", "0x832", "12x-3", "1.5x2", "axb", None, 3])
def test_what_is_no_bucket_says_what_one_is(text):
    with pytest.raises(ConfigError, match="WIDTHxHEIGHT"):
        parse_bucket(text)


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (-1, 5)])
def test_an_image_without_pixels_fits_no_bucket(size):
    with pytest.raises(ConfigError, match="no pixels"):
        assign_bucket(*size)


def test_an_empty_list_of_buckets_is_refused():
    with pytest.raises(ConfigError, match="at least one"):
        assign_bucket(5, 5, [])


def test_a_patch_size_below_one_is_refused():
    with pytest.raises(ConfigError, match="from 1 on"):
        bucket_input_size((5, 5), 0)
