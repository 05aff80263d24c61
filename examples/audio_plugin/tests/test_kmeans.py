"""The codebook against brute force and against what cannot be otherwise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tokenry_audio._kmeans import kmeans, nearest

LEVELS = arrays(np.int16, st.tuples(st.integers(1, 40), st.just(3)), elements=st.integers(-800, 0))


@given(LEVELS, LEVELS)
def test_nearest_is_the_nearest_and_the_first_of_equals(points, centres):
    index, distance = nearest(points, centres)
    for point, found, squared in zip(points.tolist(), index, distance, strict=True):
        every = [((np.array(point) - own) ** 2).sum() for own in centres.astype(int)]
        assert found == every.index(min(every))
        assert squared == min(every)


@given(LEVELS, st.integers(1, 12))
def test_centres_are_different_whole_numbers_from_quiet_to_loud(points, codes):
    centres = kmeans(points, codes, seed=0)
    assert centres.dtype == np.int16
    assert len(np.unique(centres, axis=0)) == len(centres) <= codes
    assert (np.diff(centres.sum(1)) >= 0).all()


@given(LEVELS)
def test_with_a_code_for_each_point_nothing_is_lost(points):
    assert nearest(points, kmeans(points, len(points), seed=0))[1].sum() == 0


def test_groups_that_lie_apart_are_found():
    random = np.random.default_rng(1)
    middles = np.array([[-700, -700], [-400, -100], [-100, -400], [0, 0]])
    points = (middles[:, None] + random.integers(-9, 10, (4, 200, 2))).reshape(-1, 2)
    found = kmeans(points, 4, seed=3)
    np.testing.assert_allclose(found, middles, atol=2)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_seed_gives_the_same_codebook(seed):
    points = np.random.default_rng(2).integers(-800, 0, (500, 4))
    np.testing.assert_array_equal(kmeans(points, 16, seed=seed), kmeans(points, 16, seed=seed))
