"""The sample is a function of the rows, within the limits by column and by file."""

import numpy as np
import pytest

from tokenry_scalar._columns import read_only
from tokenry_scalar.training._sample import Rows, Sample

RNG = np.random.default_rng(6)
N = 5000
VALUES = RNG.standard_normal(N)
VALUES[::13] = np.nan
HASHES = RNG.integers(0, 2000, N, np.uint64)  # many ties
FILES = np.array(["a", "b", "c"])[np.sort(RNG.integers(0, 3, N))]


def brute_force(size, per_file):
    candidates = []
    for file in np.unique(FILES):
        here = np.flatnonzero((file == FILES) & np.isfinite(VALUES))
        candidates += sorted(zip(HASHES[here], VALUES[here], strict=True))[:per_file]
    return np.sort([value for _, value in sorted(candidates)[:size]])


def sampled(size, per_file, seed, parts):
    rng = np.random.default_rng(seed)
    samples = []
    for share in np.array_split(rng.permutation(N), parts):
        samples.append(Sample(size, per_file))
        for chunk in np.array_split(share, 3):
            for file in np.unique(FILES[chunk]):
                rows = chunk[FILES[chunk] == file]
                samples[-1].add(read_only(VALUES[rows]), Rows(HASHES[rows], file))
    while len(samples) > 1:
        samples.append(samples.pop(0).merge(samples.pop(0)))
    return samples[0]


@pytest.mark.parametrize(("size", "per_file"), [(50, 30), (700, 400), (100, 5000), (9000, 9000)])
@pytest.mark.parametrize("parts", [1, 7])
def test_sample_is_the_smallest_hashes_within_the_limits(size, per_file, parts):
    expected = brute_force(size, per_file)
    for seed in range(3):
        sample = sampled(size, per_file, seed, parts)
        assert np.array_equal(sample.values, expected)
        assert sample.n == np.count_nonzero(np.isfinite(VALUES))


def test_what_cannot_be_sampled_is_forgotten():
    sample = sampled(60, 50, 0, 1)
    assert sum(map(len, sample.files.values())) <= 90


def test_error_is_bounded_and_zero_for_all_values():
    assert sampled(9000, 9000, 0, 2).rank_error(64) == 0.0
    sample = sampled(1000, 1000, 0, 2)
    found = sample.quantiles(64)[1:-1]
    values = np.sort(VALUES[np.isfinite(VALUES)])
    below = np.searchsorted(values, found) / len(values) * 64
    assert np.abs(below - np.arange(1, 64)).max() <= sample.rank_error(64)
