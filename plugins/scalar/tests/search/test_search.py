"""Edges equal np.quantile over all values, to the last bit, whatever the data and its division."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tokenry_scalar._columns import read_only
from tokenry_scalar.counting import Counts
from tokenry_scalar.search import Parts, QuantileRanks, RankSearch, snapped

RNG = np.random.default_rng(9)
N = 60_000
KINDS = {
    "normal": RNG.standard_normal(N),
    "magnitudes": RNG.standard_normal(N) * 1.3 + 19,
    "skewed": np.exp(RNG.standard_normal(N) * 3),
    "heavy-tailed": RNG.standard_t(2, N),
    "tied": np.round(RNG.standard_normal(N) * 40) / 10,
    "half-zero": np.where(RNG.random(N) < 0.5, 0.0, RNG.random(N)),
    "dates": 2.46e6 + RNG.random(N) * 3650,
    "packed": 1e9 + RNG.random(N) * 1e-3,
    "constant": np.full(N, 3.3),
    "denormal": RNG.standard_normal(N) * 1e-310,
    "denormal-float32": RNG.standard_normal(N) * 1e-40,
    "huge": RNG.standard_normal(N) * 1e300,
    "many-magnitudes": np.exp(RNG.uniform(-700, 700, N)) * RNG.choice([-1, 1], N),
    "any-bits": RNG.integers(0, 2**64, N, np.uint64).view(np.float64),
    "integers": RNG.integers(-(2**40), 2**40, N).astype(np.float64),
    "one": np.array([7.5]),
    "two": np.array([-0.0, 1e-300]),
}


def search(shares, n_bins, in_parts=False):
    """Run the passes over shares of chunks, one state a share, merged."""

    def one_pass(start):
        states = []
        for share in shares:
            state = start()
            for chunk in share:
                state.add(read_only(chunk))
            states.append(state)
        while len(states) > 1:
            states.append(states.pop(0).merge(states.pop(0)))
        return states[0]

    counts = one_pass(Counts)
    ranks = QuantileRanks.of(counts.n, n_bins)
    found = RankSearch(counts, ranks.wanted)
    passes = 1
    while not found.done:
        narrowed = found.intervals
        found.narrow(one_pass((lambda at=narrowed: Parts(at)) if in_parts else found.start))
        passes += 1
    return ranks.quantiles(found.ranks, found.values), passes


def expected_quantiles(values, n_bins):
    finite = values[np.isfinite(values)].astype(np.float64) + 0.0
    with np.errstate(all="ignore"):
        return np.quantile(finite, np.linspace(0, 1, n_bins + 1))


def check(values, found, n_bins):
    expected = expected_quantiles(values, n_bins)
    known = np.isfinite(expected)  # NumPy overflows between -1e308 and 1e308
    assert np.array_equal(found[known], expected[known])
    assert np.isfinite(found).all()


@pytest.mark.parametrize("in_parts", [False, True], ids=["collected", "in-parts"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS)
def test_quantiles_are_numpys(kind, dtype, in_parts):
    with np.errstate(all="ignore"):
        values = KINDS[kind].astype(dtype)
    values[: len(values) // 20] = np.nan
    chunks = np.array_split(RNG.permutation(values), 7)
    if np.isfinite(values).any():
        found, passes = search([chunks[:3], chunks[3:4], chunks[4:]], 256, in_parts)
        check(values, found, 256)
        assert passes <= 6


@pytest.mark.parametrize("kind", ["normal", "magnitudes", "skewed", "dates", "packed"])
def test_float32_takes_two_passes_at_most(kind):
    values = KINDS[kind].astype(np.float32)
    for in_parts in (False, True):
        assert search([[values]], 64, in_parts)[1] <= (2 if kind != "normal" or not in_parts else 3)


def test_few_distinct_values_take_one_pass():
    assert search([[KINDS["tied"]], [KINDS["tied"] * 2]], 64)[1] == 1


def test_float32_and_float64_mix():
    small, wide = KINDS["normal"].astype(np.float32), KINDS["skewed"]
    for in_parts in (False, True):
        found, _ = search([[small, wide], [wide], [small]], 100, in_parts)
        check(np.concatenate([small, wide, wide, small]).astype(np.float64), found, 100)


@settings(max_examples=80, deadline=None)
@given(
    hnp.arrays(np.float64, st.integers(1, 60), elements=st.floats(width=64)),
    st.integers(2, 40),
    st.booleans(),
)
def test_any_values(values, n_bins, in_parts):
    if np.isfinite(values).any():
        found, _ = search([[values[::2]], [values[1::2]]], n_bins, in_parts)
        check(values, found, n_bins)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([np.float32, np.float64]), st.booleans())
def test_any_bits(seed, dtype, in_parts):
    rng = np.random.default_rng(seed)
    size = 4 if dtype == np.float32 else 8
    values = rng.integers(0, 2**32, 6000 * size // 4, np.uint32).view(dtype)
    found, _ = search([[values[:999]], [values[999:]]], 50, in_parts)
    check(values, found, 50)


@pytest.mark.parametrize("kind", ["normal", "magnitudes", "skewed", "heavy-tailed", "half-zero"])
def test_one_pass_is_no_further_off_than_it_says(kind):
    counts, values = Counts(), KINDS[kind]
    counts.add(read_only(values))
    found, promised = snapped(counts.tables, 64)
    wanted = (len(values) - 1) * np.linspace(0, 1, 65)[1:-1]
    below = np.searchsorted(np.sort(values), found[1:-1])
    error = np.abs(below - wanted).max() * 64 / len(values)
    assert error <= promised * (1 + 1e-9)
    assert (promised < 0.05) == (kind != "half-zero")
    assert (found[0], found[-1]) == (values.min(), values.max())
