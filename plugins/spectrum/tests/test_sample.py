"""Caps are exact and samples the same, however the rows come."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenry_core import mark, mix, row_keys
from tokenry_spectrum import SpectrumConfig
from tokenry_spectrum._config import kind_of
from tokenry_spectrum._kernels import point_hash
from tokenry_spectrum._sample import FileRows, PointSample
from tokenry_spectrum._training import TrainingState, add_batch

GROUP = {"name": "b", "kind": "flux_ivar", "flux_col": "flux", "ivar_col": "ivar"}


def rows(file, n, seed, longest=9):
    random = np.random.default_rng(seed)
    flux = [random.normal(size=random.integers(0, longest)).astype(np.float32) for _ in range(n)]
    for row in flux[::5]:
        row[:1] = np.nan
    ids = random.permutation(10_000)[:n] + 10_000 * seed
    batch = pa.record_batch({"id": ids, "flux": flux, "ivar": [np.ones_like(f) for f in flux]})
    return mark(batch, id_col="id", file=file)


def by_definition(config, batches):
    """The sample as a person would say it: caps per file, per row and in all, smallest first."""
    files = {}
    for batch in batches:
        name = batch.schema.metadata[b"tokenry.file"].decode()
        for key, row in zip(mix(row_keys(batch), config.rng_seed), batch.to_pylist(), strict=True):
            files.setdefault(name, []).append((int(key), row["flux"]))
    found = []
    for lines in files.values():
        allowed = sorted({key for key, _ in lines})[: config.max_rows_per_file]
        for key, flux in lines:
            if key in allowed:
                own = [
                    (int(point_hash(np.uint64(key), j)), value)
                    for j, value in enumerate(flux)
                    if np.isfinite(value)
                ]
                found += sorted(own)[: config.max_points_per_row]
    return [value for _, value in sorted(found)[: config.max_features_per_group]]


def by_passes(config, shares):
    kinds, limits = [kind_of(config.definitions[0])], None
    for _ in range(2):
        whole = None
        for share in shares:
            state = TrainingState(FileRows(config.max_rows_per_file))
            for batch in share:
                add_batch(state, config, kinds, batch, row_keys(batch), limits)
            whole = state if whole is None else whole.merge(state)
        sample = whole.samples["b"]
        if limits is not None or sample.keep_rows(whole.files.limits()):
            return sample.in_order()[0].tolist()
        limits = whole.files.limits()
    raise AssertionError("two passes are enough")


@settings(max_examples=60, deadline=None)
@given(
    caps=st.tuples(st.integers(1, 60), st.integers(1, 12), st.integers(1, 6)),
    cuts=st.lists(st.integers(0, 12), min_size=3, max_size=6),
    shares=st.integers(1, 3),
    seed=st.integers(0, 3),
)
def test_samples_are_those_of_the_definition(caps, cuts, shares, seed):
    config = SpectrumConfig(
        groups=(GROUP,),
        rng_seed=seed,
        max_features_per_group=caps[0],
        max_rows_per_file=caps[1],
        max_points_per_row=caps[2],
    )
    batches = [rows(f"file-{i % 2}", n, i) for i, n in enumerate(cuts)]
    order = np.random.default_rng(seed).permutation(len(batches))
    divided = [[batches[i] for i in order[part::shares]] for part in range(shares)]
    assert by_passes(config, divided) == pytest.approx(by_definition(config, batches), nan_ok=False)


def test_rows_that_share_an_id_are_cut_by_value():
    config = SpectrumConfig(groups=(GROUP,), max_features_per_group=4)
    ids = [7] * 6
    flux = [[float(v)] for v in (5, 3, 1, 4, 2, 0)]
    found = set()
    for order in ([0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0]):
        batch = pa.record_batch({"id": ids, "flux": flux, "ivar": [[1.0]] * 6})
        batches = [batch.take(pa.array([i])) for i in order]
        found.add(tuple(by_passes(config, [batches])))
    assert found == {(0.0, 1.0, 2.0, 3.0)}


def test_memory_is_bounded_by_the_cap():
    config = SpectrumConfig(groups=(GROUP,), max_features_per_group=50)
    state = TrainingState(FileRows(5000))
    kinds = [kind_of(config.definitions[0])]
    for i in range(40):
        batch = rows("one", 60, i)
        add_batch(state, config, kinds, batch, row_keys(batch), None)
        assert len(state.samples["b"].hashes) <= 2 * 50
    assert state.samples["b"].limit < 2**63


def test_bad_rows_are_left_out_of_training():
    config = SpectrumConfig(groups=(GROUP,))
    batch = pa.record_batch({"id": [1, 2], "flux": [[1.0, 2.0], [3.0]], "ivar": [[1.0], [1.0]]})
    assert by_passes(config, [[batch]]) == [3.0]


def test_an_empty_sample_merges():
    a, b = PointSample.empty(5, 2), PointSample.empty(5, 2)
    a.merge(b)
    assert a.in_order().shape == (2, 0)
