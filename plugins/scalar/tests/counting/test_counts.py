"""Counts, extremes and exact means, in any order and division."""

import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tokenry_scalar._columns import read_only
from tokenry_scalar.counting import Counts, Tables
from tokenry_scalar.few import Few

RNG = np.random.default_rng(4)
KINDS = {
    "normal": RNG.standard_normal(20_000),
    "skewed": np.exp(RNG.standard_normal(20_000) * 5),
    "cancelling": np.concatenate([RNG.random(9000) * 1e16, -RNG.random(9000) * 1e16, [1e-9]]),
    "many-magnitudes": np.exp(RNG.uniform(-700, 700, 9000)) * RNG.choice([-1, 1], 9000),
    "huge": RNG.standard_normal(9000) * 1e306,
    "denormal": RNG.standard_normal(9000) * 1e-318,
    "tied": np.round(RNG.standard_normal(20_000) * 3) / 7,
}


def counted(values):
    counts = Counts()
    counts.add(read_only(values))
    return counts


def exact_mean(values):
    finite = values[np.isfinite(values)].tolist()
    return float(sum(map(Fraction, finite)) / len(finite))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS)
def test_means_are_exact(kind, dtype):
    with np.errstate(all="ignore"):
        values = KINDS[kind].astype(dtype)
    values[::11] = np.nan
    if np.isfinite(values).any():
        assert counted(values).mean == exact_mean(values)


@settings(max_examples=80, deadline=None)
@given(hnp.arrays(np.float64, st.integers(1, 50), elements=st.floats(width=64)))
def test_means_of_any_values_are_exact(values):
    if np.isfinite(values).any():
        assert counted(values).mean == exact_mean(values)


def snapshot(tables):
    state = tables.__getstate__()
    arrays = [part for name in ("bits", "line") for part in state[name]]
    return [a.tolist() for a in arrays] + [tables.width, tables.n, tables.low, tables.high]


@pytest.mark.parametrize("kind", KINDS)
def test_tables_do_not_depend_on_order_or_division(kind):
    values = KINDS[kind]
    once = Tables()
    once.add(read_only(values))
    for seed in range(3):
        rng = np.random.default_rng(seed)
        parts = []
        for chunk in np.array_split(rng.permutation(values), 5):
            parts.append(Tables())
            parts[-1].add(read_only(chunk))
        rng.shuffle(parts)
        while len(parts) > 1:
            parts.append(parts.pop(0).merge(parts.pop(0)))
        assert snapshot(parts[0]) == snapshot(once)
        assert parts[0].mean == once.mean


@pytest.mark.parametrize("scale", [1.0, 1e-40, 1e38])
def test_float32_and_its_float64_fall_into_the_same_cells(scale):
    with np.errstate(all="ignore"):
        small = (RNG.standard_normal(3000) * scale).astype(np.float32)
    a, b = Tables(), Tables()
    a.add(read_only(small))
    b.add(read_only(small.astype(np.float64)))
    assert snapshot(a) == snapshot(b)


def test_values_counted_before_tables_are_in_them():
    values = np.concatenate([np.arange(4000.0), RNG.standard_normal(3000)])
    direct = Tables()
    direct.add(read_only(values))
    counts = counted(values)
    assert counts.few is None
    assert snapshot(counts.tables) == snapshot(direct)
    assert counts.mean == direct.mean == math.fsum(values) / len(values)


@pytest.mark.parametrize(("distinct", "few"), [(4096, True), (4097, False)])
def test_few_is_about_the_values_alone(distinct, few):
    values = RNG.permutation(np.repeat(np.arange(distinct) * 0.1, 3))
    halves = [counted(half) for half in np.array_split(values, 2)]
    merged = halves[0].merge(halves[1])
    assert (merged.few is not None) == (counted(values).few is not None) == few
    assert merged.n == len(values)


def test_few_counts_every_value():
    values = RNG.integers(-9, 9, 5000) / 3
    values[::7] = np.nan
    few = Few()
    assert few.add(read_only(values)) == 5000
    distinct, times = np.unique(values[np.isfinite(values)], return_counts=True)
    found = few.ascending()
    assert found[0].tolist() == distinct.tolist()
    assert found[1].tolist() == times.tolist()


@pytest.mark.parametrize("kind", ["normal", "tied"])
def test_states_pickle_small(kind):
    counts = counted(KINDS[kind])
    data = pickle.dumps(counts)
    assert len(data) < 400_000
    again = pickle.loads(data)
    assert (again.n, again.mean) == (counts.n, counts.mean)
    assert again.merge(counted(KINDS[kind])).n == 2 * counts.n


@pytest.mark.slow  # compiles for counters of 64 bits
def test_billions_of_one_value_do_not_overflow():
    tables = Tables()
    tables.add_counted(np.array([2.5]), np.array([2**32 - 10]))
    tables.add(read_only(np.full(100, 2.5)))
    assert tables.n == int(tables.bits.sum()) == 2**32 + 90
    assert tables.mean == 2.5
