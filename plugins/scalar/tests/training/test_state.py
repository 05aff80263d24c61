"""Columns and states, pass by pass, as the tokenizer drives them."""

import numpy as np

from tokenry_scalar import ScalarConfig
from tokenry_scalar._columns import read_only
from tokenry_scalar.counting import mean_of, new_sum
from tokenry_scalar.counting._kernels import add_up_counted
from tokenry_scalar.search import Inside, Partial, Parts
from tokenry_scalar.training import Column, TrainingState

ABILITIES = [name for name in vars(Partial) if not name.startswith("_")]


def trained(values, config):
    """Run passes over one column, two workers to a pass."""
    column, passes, seen = Column("x"), 0, []
    again = True
    while again:
        halves = [TrainingState.start([column], config) for _ in range(2)]
        for state, part in zip(halves, np.array_split(values, 2), strict=True):
            state.add([read_only(part)], [False], None, 1)
        seen += [type(share) for share in halves[0].shares]
        again = halves[0].merge(halves[1]).finish([column], config, 1)
        passes += 1
    return column, passes, seen


def test_a_column_is_done_when_its_edges_are_the_quantiles():
    values = np.random.default_rng(0).standard_normal(20_000)
    column, passes, seen = trained(values, ScalarConfig(n_bins=8))
    assert column.done
    assert np.array_equal(column.edges, np.quantile(values, np.linspace(0, 1, 9)))
    assert (column.n, passes) == (20_000, len(seen))
    assert passes > 1
    assert all(hasattr(share, name) for share in seen for name in ABILITIES)
    assert set(seen[1:]) <= {Inside, Parts}  # values, or counts, within what is still searched


def test_few_values_need_one_pass():
    column, passes, _ = trained(np.arange(100.0) % 5, ScalarConfig(n_bins=4))
    assert passes == 1
    assert column.mean == 2.0


def test_a_mean_is_rounded_once():
    total = new_sum()
    add_up_counted(np.array([1e16, 1.0, -1e16]), np.array([1, 3, 1]), total)
    assert mean_of(total, 5) == 0.6
    assert np.isnan(mean_of(new_sum(), 0))
