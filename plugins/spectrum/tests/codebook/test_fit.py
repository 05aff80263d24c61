import logging
import os

import numpy as np
import pytest
from sklearn.cluster import KMeans

from tokenry_core.errors import ConfigError, DataError, ShapeError
from tokenry_spectrum.codebook import _lloyd, fit_codebook
from tokenry_spectrum.codebook._fit import order_codes
from tokenry_spectrum.codebook._kernels import plus_plus


def points(n=20_000, d=2, seed=0):
    random = np.random.default_rng(seed)
    return random.standard_t(3, (n, d)).clip(-30, 30).astype(np.float32)


def inertia(x, centroids):
    return sum(
        ((x[i : i + 1000, None].astype(float) - centroids) ** 2).sum(-1).min(1).sum()
        for i in range(0, len(x), 1000)
    )


@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_one_step_is_that_of_scikit_learn(d):
    x = points(5000, d)
    start = x[:40].astype(float)
    ours = _lloyd.step(np.ascontiguousarray(x.T), start)
    theirs = KMeans(40, init=start, n_init=1, max_iter=1, tol=0, algorithm="lloyd").fit(x)
    assert np.allclose(ours.centroids, theirs.cluster_centers_, atol=1e-4)
    assert ours.inertia == pytest.approx(inertia(x, start), rel=1e-9)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_codebook_is_as_good_as_scikit_learns(d):
    x = points(20_000, d)
    ours = fit_codebook(x, 64)
    theirs = KMeans(64, n_init=1, random_state=0, tol=0, max_iter=100).fit(x)
    assert inertia(x, ours.centroids) < 1.03 * theirs.inertia_


def test_the_result_does_not_depend_on_threads(monkeypatch):
    x = points(60_000)
    monkeypatch.setenv("NUMBA_NUM_THREADS", "1")
    one = fit_codebook(x, 256, max_iterations=5)
    monkeypatch.setenv("NUMBA_NUM_THREADS", "7")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(7))
    seven = fit_codebook(x, 256, max_iterations=5)
    assert one.centroids.tobytes() == seven.centroids.tobytes()
    assert one.inertia == seven.inertia


@pytest.mark.parametrize("start", ["k-means++", "minibatch"])
def test_a_seed_gives_one_codebook(start):
    x = points(5000)
    first, second, other = (fit_codebook(x, 32, seed=s, start=start) for s in (3, 3, 4))
    assert first.centroids.tobytes() == second.centroids.tobytes()
    assert first.centroids.tobytes() != other.centroids.tobytes()


def test_near_ids_mean_near_values_in_one_dimension():
    centroids = fit_codebook(points(5000, 1), 50).centroids.ravel()
    assert (np.diff(centroids) > 0).all()


def test_codes_follow_the_first_principal_component():
    random = np.random.default_rng(1)
    along = random.normal(size=300)
    x = np.stack([along, 2 * along + 0.1 * random.normal(size=300)], 1)
    ordered = order_codes(random.permutation(x))
    projected = ordered @ np.array([1, 2]) / 5**0.5
    assert np.corrcoef(projected, np.arange(300))[0, 1] > 0.95
    assert projected[0] < projected[-1]


def test_equal_projections_are_ordered_too():
    square = np.array([[0.0, 1.0], [1.0, 1.0], [0.0, 0.0], [1.0, 0.0]])
    orders = {order_codes(np.random.default_rng(s).permutation(square)).tobytes() for s in range(9)}
    assert len(orders) == 1


def test_fewer_distinct_points_shrink_the_codebook_and_say_so(caplog):
    x = np.repeat(points(7), 1000, axis=0)
    with caplog.at_level(logging.WARNING):
        found = fit_codebook(x, 16)
    assert np.array_equal(np.unique(found.centroids, axis=0), np.unique(x, axis=0))
    assert found.inertia == 0
    assert "7 codes, not 16" in caplog.text


def test_rare_values_among_repeated_ones_are_found():
    x = np.concatenate([np.zeros((100_000, 1)), np.arange(40)[:, None]]).astype(np.float32)
    assert fit_codebook(x, 30).centroids.shape == (30, 1)


def test_an_empty_cluster_moves_to_the_farthest_point():
    x = np.array([[0.0, 1.0, 2.0, 50.0]], np.float32)
    found = _lloyd.step(x, np.array([[1.0], [900.0]]))
    assert found.empty == 1
    assert found.centroids.ravel().tolist() == [13.25, 50.0]


def test_empty_clusters_without_a_point_to_go_to_are_dropped():
    x = np.array([[3.0, 3.0]], np.float32)
    found = _lloyd.step(x, np.array([[3.0], [900.0]]))
    assert found.centroids.tolist() == [[3.0]]


def test_plus_plus_never_takes_a_value_twice():
    x = np.repeat(np.arange(50.0), 40)[None]
    draws = np.random.default_rng(0).random((50, 2))
    chosen = plus_plus((0,), x, np.ones(2000), 50, draws)
    assert len(np.unique(x[0, chosen])) == 50


def test_a_given_start_is_where_training_begins():
    x = points(3000)
    good = fit_codebook(x, 32)
    again = fit_codebook(x, 32, start=good.centroids)
    assert again.iterations < good.iterations
    assert again.inertia == pytest.approx(good.inertia, rel=1e-3)


def test_more_iterations_do_not_raise_the_inertia():
    x = points(20_000)
    first, later = (fit_codebook(x, 64, max_iterations=n).inertia for n in (1, 20))
    assert later <= first


def test_the_points_are_left_alone():
    x = points(1000)
    x.flags.writeable = False
    fit_codebook(x, 8)


def test_points_that_are_not_finite_are_refused():
    with pytest.raises(DataError, match="finite"):
        fit_codebook([[np.nan]], 2)


def test_points_without_a_dimension_are_refused():
    with pytest.raises(ShapeError, match="any, dims"):
        fit_codebook([1.0, 2.0], 2)


def test_an_unknown_start_is_refused():
    with pytest.raises(ConfigError, match="k-means"):
        fit_codebook([[1.0], [2.0]], 1, start="random")


def test_a_start_of_another_dimension_is_refused():
    with pytest.raises(ShapeError, match="start has shape"):
        fit_codebook([[1.0], [2.0]], 1, start=[[1.0, 2.0]])
