"""Edges are made strictly increasing or merged; bins decode into themselves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tokenry_scalar._edges import (
    FLOAT32,
    FLOAT64,
    INTEGER,
    merged,
    midpoints,
    on_lattice,
    separated,
    unreachable,
)
from tokenry_scalar.binning import bin_values

QUANTILES = hnp.arrays(
    np.float64, st.integers(3, 40), elements=st.floats(-1e300, 1e300) | st.sampled_from([0.0, 5.0])
).map(lambda points: np.sort(points + 0.0))


def separated_slowly(quantiles):
    edges = quantiles.copy()
    for i in range(1, len(edges)):
        if edges[i] <= edges[i - 1]:
            edges[i] = max(edges[i - 1] + 1e-8, np.nextafter(edges[i - 1], np.inf))
    return edges


@settings(deadline=None)
@given(QUANTILES)
def test_separated_edges_rise_and_keep_what_rises(quantiles):
    edges = separated(quantiles)
    assert np.array_equal(edges, separated_slowly(quantiles))
    assert (np.diff(edges) > 0).all()


@settings(deadline=None)
@given(QUANTILES)
def test_every_bin_decodes_into_itself(quantiles):
    edges = separated(quantiles)
    bins = np.arange(len(edges) - 1)
    assert np.array_equal(bin_values(midpoints(edges), edges, missing=-1), bins)


@settings(deadline=None)
@given(QUANTILES, st.sampled_from([FLOAT64, FLOAT32, INTEGER]))
def test_every_merged_bin_holds_a_value_of_the_columns_type(quantiles, lattice):
    # Float32 and integers only have quantiles between values that they can hold.
    quantiles = np.sort(np.clip(quantiles, -1e30, 1e30))
    quantiles[[0, -1]] = on_lattice(quantiles[[0, -1]], lattice)
    quantiles = np.minimum(quantiles, quantiles[-1])
    edges = merged(quantiles, lattice)
    assert (np.diff(edges) > 0).all()
    assert len(edges) <= max(2, len(quantiles))
    held = on_lattice(edges[:-1], lattice)
    assert np.array_equal(bin_values(held, edges, missing=-1), np.arange(len(edges) - 1))


def test_a_tie_leaves_bins_that_nothing_reaches():
    quantiles = np.array([0.0, 5.0, 5.0, 5.0, 5.0, 7.0, 9.0])
    assert unreachable(quantiles, separated(quantiles), FLOAT64) == 2
    edges = merged(quantiles, FLOAT64)
    assert edges.tolist() == [0.0, 5.0, 7.0, 9.0]
    assert unreachable(quantiles, edges, FLOAT64) == 0


def test_a_tied_largest_value_has_a_bin_of_its_own():
    edges = merged(np.array([0.0, 1.0, 2.0, 2.0, 2.0]), INTEGER)
    assert bin_values(np.array([0.0, 1.0, 2.0]), edges, missing=9).tolist() == [0, 1, 2]
    assert len(edges) == 4


def test_bins_between_two_integers_are_never_reached():
    quantiles = np.array([0.0, 0.25, 0.5, 1.0, 2.0])
    assert unreachable(quantiles, quantiles, INTEGER) == 2
    assert unreachable(quantiles, quantiles, FLOAT64) == 0
    assert merged(quantiles, INTEGER).tolist() == [0.0, 0.25, 2.0]


@pytest.mark.parametrize("value", [0.0, -3.5, 1e300, 1e-310])
def test_constant_columns_have_one_bin_when_merged(value):
    assert len(merged(np.full(5, value), FLOAT64)) == 2
    edges = separated(np.full(5, value))
    assert bin_values(np.array([value]), edges, missing=9).tolist() == [0]
