"""Nearest of 2048 centroids: against faiss in 2 and 3 dimensions, NumPy's search in 1.

`python tests/benchmarks/spectrum/bench_assign.py [--quick]`; faiss-cpu comes from the package
index. Labels are compared with the float64 definition before anything is timed. Each job is timed
by the clock on all threads, and by the processor's time on one, which a busy machine disturbs less.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

import faiss
import numpy as np
from _points import points

from tokenry_benchmarks import Row, contend, report
from tokenry_spectrum import NearestCentroid, fit_codebook

CODES = 2048
TARGETS = {1: ">= 15", 2: ">= 10", 3: ">= 4"}


def definition(x, centroids):
    out = np.empty(len(x), np.int64)
    for start in range(0, len(x), 500):
        part = x[start : start + 500, None].astype(np.float64)
        out[start : start + 500] = ((part - centroids) ** 2).sum(-1).argmin(1)
    return out


def searcher(centroids):
    """One dimension: the midpoints between sorted centroids are the boundaries of the codes."""
    sorted_ = np.sort(centroids[:, 0])
    middles = ((sorted_[1:] + sorted_[:-1]) / 2).astype(np.float32)
    return lambda x: np.searchsorted(middles, x[:, 0])


def index(centroids):
    flat = faiss.IndexFlatL2(centroids.shape[1])
    flat.add(centroids.astype(np.float32))
    return lambda x: flat.search(x, 1)[1][:, 0]


def by_processor(contenders, repeats):
    """Give each contender's median processor time, run in turn."""
    seconds = {name: [] for name in contenders}
    for _ in range(repeats):
        for name, run in contenders.items():
            begin = time.process_time()
            run()
            seconds[name].append(time.process_time() - begin)
    return {name: statistics.median(values) for name, values in seconds.items()}


def rows_of(d, n, repeats):
    x = points(n, d)
    centroids = fit_codebook(x[:200_000], CODES, max_iterations=5).centroids.astype(np.float64)
    near = NearestCentroid(centroids)
    checked = 5_000 if n < 500_000 else 20_000
    near.labels(x)
    assert np.array_equal(near.labels(x)[:checked], definition(x[:checked], centroids))
    peer = searcher(centroids) if d == 1 else index(centroids)
    assert np.mean(peer(x[:checked]) == near.labels(x[:checked])) > 0.999  # float32 ties aside
    ours, theirs, built = "tables kept", "numpy" if d == 1 else "faiss", "tables built"
    seconds = contend(
        {
            ours: lambda: near.labels(x),
            theirs: lambda: peer(x),
            built: lambda: NearestCentroid(centroids).labels(x),
        },
        repeats,
    )
    single = NearestCentroid(centroids, threads=1)
    single.labels(x)
    faiss.omp_set_num_threads(1)
    alone = by_processor({ours: lambda: single.labels(x), theirs: lambda: peer(x)}, repeats)
    faiss.omp_set_num_threads(os.cpu_count() or 1)
    name = "np.searchsorted of midpoints" if d == 1 else "faiss.IndexFlatL2"
    job = f"{n / 1e6:g} M points, {d} dimension{'s' * (d > 1)}"
    return [
        Row(f"{job}, {ours}", ours, seconds[ours], name, seconds[theirs], TARGETS[d]),
        Row(f"{job}, {built}", built, seconds[built], name, seconds[theirs]),
        Row(f"{job}, one thread", "processor time", alone[ours], name, alone[theirs], TARGETS[d]),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    n, repeats = (100_000, 3) if quick else (1_000_000, 9)
    report("spectrum: assignment", [row for d in (1, 2, 3) for row in rows_of(d, n, repeats)])


if __name__ == "__main__":
    main()
