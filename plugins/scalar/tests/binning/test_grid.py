"""The kernels give the tokens of the plain NumPy definition, bit for bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tokenry_scalar._edges import separated
from tokenry_scalar.binning import Bins, Grid, bin_values
from tokenry_scalar.binning._kernels import BITS

FLOATS = (np.float32, np.float64)
RNG = np.random.default_rng(3)
N = 4000


def kinds():
    whole = np.round(RNG.standard_normal(N) * 5)
    return {
        "random": RNG.standard_normal(N),
        "skewed": np.exp(RNG.standard_normal(N) * 4),
        "heavy-tailed": RNG.standard_t(1, N),
        "tied": whole,
        "half-zero": np.where(RNG.random(N) < 0.5, 0.0, RNG.standard_normal(N)),
        "tiny": RNG.random(N) * 1e-38,
        "denormal": RNG.standard_normal(N) * 1e-42,
        "denormal-float64": RNG.standard_normal(N) * 5e-322,
        "huge": RNG.standard_normal(N) * 1e37,
        "huge-float64": RNG.standard_normal(N) * 1e307,
        "negative": -np.exp(RNG.standard_normal(N)),
        "packed": 2.46e6 + RNG.random(N) * 1e-3,
        "constant": np.full(N, 7.25),
        "zeros": np.where(RNG.random(N) < 0.5, 0.0, -0.0),
        "any-bits": RNG.integers(0, 2**64, N, np.uint64).view(np.float64),
    }


KINDS = kinds()


def edges_of(values, n_bins):
    finite = values[np.isfinite(values)].astype(np.float64)
    with np.errstate(all="ignore"):
        quantiles = np.quantile(finite, np.linspace(0, 1, n_bins + 1))
    return separated(np.sort(np.nan_to_num(quantiles, nan=0.0)))


def around(edges, dtype):
    """Values on, just below and just above every edge, and what is odd."""
    with np.errstate(all="ignore"):
        at = edges.astype(dtype)
        near = [at, np.nextafter(at, dtype(np.inf)), np.nextafter(at, dtype(-np.inf))]
        odd = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0], dtype)
        limits = np.finfo(dtype)
        ends = np.array([limits.max, limits.min, limits.tiny, limits.smallest_subnormal], dtype)
    return np.concatenate([*near, odd, ends])


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("n_bins", [2, 16, 1024])
@pytest.mark.parametrize("kind", KINDS)
def test_tokens_are_those_of_the_definition(kind, n_bins, dtype):
    largest = float(np.finfo(dtype).max)
    values = np.clip(KINDS[kind][np.isfinite(KINDS[kind])], -largest, largest).astype(dtype)
    edges = edges_of(values, n_bins)
    asked = np.concatenate([values, around(edges, dtype)])
    found = Grid([Bins(edges, n_bins)], dtype).encode_column(asked)
    assert np.array_equal(found, bin_values(asked, edges, n_bins))


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(np.float64, st.integers(3, 40), elements=st.floats(allow_nan=False, width=64)),
    hnp.arrays(np.float64, 30, elements=st.floats(width=64)),
    st.tuples(st.floats(-1e3, 0), st.floats(0, 1e3)),
)
def test_any_edges_any_values_any_limits(points, values, limits):
    edges = np.unique(points[np.isfinite(points)] + 0.0)
    if len(edges) < 3:
        edges = np.array([0.0, 1.0, 2.0])
    bins = Bins(edges, len(edges) - 1, limits)
    for dtype in FLOATS:
        with np.errstate(all="ignore"):
            asked = np.concatenate([values.astype(dtype), around(edges, dtype)])
        expected = bin_values(asked, edges, bins.missing, limits)
        assert np.array_equal(Grid([bins], dtype).encode_column(asked), expected)


def test_columns_of_different_shapes_share_a_grid():
    bins = [
        Bins(edges_of(KINDS[kind], n), 64, limits)
        for kind, n, limits in [
            ("random", 64, (-1.0, 1.0)),
            ("tied", 64, (-np.inf, np.inf)),
            ("skewed", 3, (-np.inf, np.inf)),
        ]
    ]
    bins.append(Bins(np.zeros(0), 64))
    values = [np.ascontiguousarray(KINDS[k][:3000]) for k in ("random", "tied", "skewed", "random")]
    grid = Grid(bins, np.float64)
    out = np.zeros((3000, 5), np.uint16)
    addresses = np.array([v.ctypes.data for v in values], np.int64)
    counts = grid.encode(addresses, (100, 2900), np.array([4, 1, 0, 2]), out)
    for target, i in ((4, 0), (1, 1), (0, 2)):
        column, part = bins[i], values[i][100:2900]
        expected = bin_values(part, column.edges, 64, column.limits)
        assert np.array_equal(out[100:2900, target], expected)
        low, high = column.edges[0], column.edges[-1]
        low, high = max(low, column.limits[0]), min(high, column.limits[1])
        assert counts[i].tolist() == [0, np.count_nonzero((part < low) | (part > high))]
    assert (out[100:2900, 2] == 64).all()  # no edges: all is missing
    assert not out[:, 3].any()
    assert not out[:100].any()
    assert not out[2900:].any()


@pytest.mark.parametrize("dtype", FLOATS)
def test_both_zeros_are_equal_where_cells_go_by_bits(dtype):
    # A border of cells lies between -0.0 and 0.0, and the cell before it is full.
    least = -float(np.finfo(dtype).smallest_subnormal)
    powers = 2.0 ** np.arange(-60, 65)
    edges = np.concatenate(
        [[-1e38, -np.nextafter(2.0**65, 0)], -powers[::-1], [least, 0.0], powers]
    )
    grid = Grid([Bins(edges, 400)], dtype)
    assert grid.table[0, 0] == BITS
    asked = around(edges, dtype)
    assert np.array_equal(grid.encode_column(asked), bin_values(asked, edges, missing=400))


def test_missing_values_and_clipped_ones_are_counted():
    values = np.array([np.nan, np.inf, -np.inf, -5.0, 0.0, 2.0, 9.0], np.float32)
    grid = Grid([Bins(np.array([0.0, 1.0, 2.0]), 2)], np.float32)
    out = np.empty((7, 1), np.uint16)
    at = np.array([values.ctypes.data], np.int64)
    assert grid.encode(at, (0, 7), np.zeros(1, np.int64), out).tolist() == [[3, 2]]
    assert out.ravel().tolist() == [2, 2, 2, 0, 0, 1, 1]


def test_missing_may_be_any_token():
    values = np.array([np.nan, 5.0, -np.inf, np.inf])
    bins = Bins(np.array([0.0, 1.0, 2.0, 9.0]), 1)
    assert Grid([bins], np.float64).encode_column(values).tolist() == [1, 2, 1, 1]
