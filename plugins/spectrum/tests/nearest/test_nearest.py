import pickle
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenry_core.errors import ShapeError
from tokenry_spectrum.nearest import NearestCentroid, _cells, _nearest


def brute(points, centroids):
    """The definition: argmin of squared distances, summed in the order of the dimensions."""
    out = np.empty(len(points), np.int64)
    for start in range(0, len(points), 1000):
        part = np.asarray(points[start : start + 1000], np.float64)
        distance = np.zeros((len(part), len(centroids)))
        for z in range(centroids.shape[1]):
            distance += (part[:, z, None] - centroids[:, z]) ** 2
        out[start : start + 1000] = distance.argmin(axis=1)
    return out


def make(kind, n, d, k, seed):
    random = np.random.default_rng(seed)
    if kind == "clustered":
        middles = random.normal(size=(5, d)) * 3
        points = middles[random.integers(0, 5, n)] + 0.01 * random.normal(size=(n, d))
    elif kind == "uniform":
        points = random.random((n, d))
    elif kind == "heavy-tailed":
        points = random.standard_t(1.2, (n, d))
    elif kind == "duplicated":
        points = random.integers(0, 4, (n, d)).astype(float)
    elif kind == "far-outlying":
        points = random.normal(size=(n, d))
        points[::97] *= 1e12
        points[1::97] += 3e4
    else:
        points = np.full((n, d), 7.25)
    centroids = points[random.integers(0, n, k)] + 0.1 * random.normal(size=(k, d))
    if kind in ("duplicated", "all-equal"):
        centroids = np.round(centroids)  # ties, also between equal centroids
    return points.astype(np.float32), centroids.astype(np.float32).astype(np.float64)


KINDS = ["clustered", "uniform", "heavy-tailed", "duplicated", "far-outlying", "all-equal"]
every_path = pytest.mark.parametrize("pays", [0, 10**12], ids=["grid", "no grid"])


@every_path
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("d", [1, 2, 3])
def test_labels_equal_brute_force(kind, d, pays):
    points, centroids = make(kind, 3000, d, 200, seed=d)
    with mock.patch.dict(_nearest._PAYS, {d: pays}):
        labels = NearestCentroid(centroids).labels(points)
    assert np.array_equal(labels, brute(points, centroids))


@every_path
@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    d=st.integers(1, 3),
    k=st.integers(1, 120),
    seed=st.integers(0, 2**31),
    fine=st.integers(0, 2),
    stretch=st.sampled_from([1e-20, 1e-3, 1.0, 1e6, 1e18]),
)
def test_random_codebooks_equal_brute_force(pays, kind, d, k, seed, fine, stretch):
    points, centroids = make(kind, 400, d, k, seed)
    points = (points * stretch).astype(np.float32)
    centroids = (centroids * stretch).astype(np.float32).astype(np.float64)
    with (
        mock.patch.dict(_nearest._PAYS, {d: pays}),
        mock.patch.object(_nearest, "fineness", return_value=fine),
        mock.patch.object(_cells, "fineness", return_value=min(fine, {1: 0, 2: 2, 3: 1}[d])),
    ):
        labels = NearestCentroid(centroids).labels(points)
    assert np.array_equal(labels, brute(points, centroids))


@pytest.mark.parametrize("d", [1, 2, 3])
def test_points_beyond_every_cell_are_compared_with_all(d):
    points, centroids = make("clustered", 2000, d, 100, seed=3)
    near = NearestCentroid(centroids)
    with mock.patch.dict(_nearest._PAYS, {d: 0}):
        near.labels(points)
        random = np.random.default_rng(0)
        beyond = (random.normal(size=(500, d)) * 10.0 ** random.integers(0, 30, (500, 1))).astype(
            np.float32
        )
        assert np.array_equal(near.labels(beyond), brute(beyond, centroids))


@pytest.mark.parametrize("kind", KINDS)
def test_the_product_in_more_dimensions_equals_brute_force(kind):
    points, centroids = make(kind, 2000, 5, 300, seed=8)
    assert np.array_equal(NearestCentroid(centroids).labels(points), brute(points, centroids))


def test_few_points_in_more_dimensions_equal_brute_force():
    points, centroids = make("uniform", 20, 6, 30, seed=8)
    assert np.array_equal(NearestCentroid(centroids).labels(points), brute(points, centroids))


@pytest.mark.parametrize("d", [1, 2, 3, 5])
@pytest.mark.parametrize("n", [3, 66_000], ids=["few", "many"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_point_that_is_not_finite_is_missing(d, n, value):
    points, centroids = make("uniform", n, d, 50, seed=1)
    points[1, d - 1] = value
    with mock.patch.dict(_nearest._PAYS, {d: 1000}):
        labels = NearestCentroid(centroids, missing=99).labels(points)
    assert labels[1] == 99
    assert labels[0] < 50


def test_shift_and_scale_are_applied_in_float64():
    random = np.random.default_rng(5)
    points = (1e4 + random.normal(size=(2, 5000))).astype(np.float32)
    shift, scale = np.array([1e4, 9999.5]), np.array([2.0, 0.5])
    centroids = random.normal(size=(60, 2))
    labels = NearestCentroid(centroids).of_features(points, shift, scale)
    moved = ((points.astype(np.float64) - shift[:, None]) * scale[:, None]).T
    assert np.array_equal(labels, brute(moved, centroids))


def test_labels_do_not_change_when_the_grid_is_built():
    points, centroids = make("heavy-tailed", 30_000, 2, 500, seed=2)
    near = NearestCentroid(centroids)
    with mock.patch.dict(_nearest._PAYS, {2: 3000}):
        parts = [near.labels(points[i : i + 3000]) for i in range(0, 30_000, 3000)]
        assert near._grid is not None
    assert np.array_equal(np.concatenate(parts), brute(points, centroids))


@pytest.mark.slow  # compiles kernels for wider tables
def test_large_codebooks_need_wider_tables():
    random = np.random.default_rng(4)
    centroids = np.sort(random.normal(size=(66_000, 1)), axis=0)
    points = random.normal(size=(500, 1)).astype(np.float32)
    near = NearestCentroid(centroids)
    labels = near.labels(points)
    assert near._grid is not None
    assert near.dtype == np.uint32
    assert np.array_equal(labels, brute(points, centroids))


def test_a_pickled_copy_labels_alike():
    points, centroids = make("uniform", 60_000, 2, 300, seed=6)
    near = NearestCentroid(centroids)
    labels = near.labels(points)
    again = pickle.loads(pickle.dumps(near))
    assert len(pickle.dumps(near)) < 20_000
    assert np.array_equal(again.labels(points), labels)


def test_the_points_are_left_alone():
    points, centroids = make("uniform", 100, 2, 10, seed=6)
    points.flags.writeable = centroids.flags.writeable = False
    NearestCentroid(centroids).labels(points)


@pytest.mark.parametrize("given", [np.zeros(3), np.zeros((0, 2)), np.zeros((2, 0))])
def test_centroids_of_another_shape_are_refused(given):
    with pytest.raises(ShapeError, match="codes, dimensions"):
        NearestCentroid(given)


def test_centroids_that_are_not_finite_are_refused():
    with pytest.raises(ShapeError, match="finite"):
        NearestCentroid([[np.nan]])


def test_points_of_another_dimension_are_refused():
    with pytest.raises(ShapeError, match=r"give \(any, 2\)"):
        NearestCentroid([[0.0, 1.0]]).labels([[1.0]])
