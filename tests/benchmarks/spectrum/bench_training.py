"""K-means of 2048 codes: the time until the inertia of scikit-learn's and faiss's ten iterations.

`python tests/benchmarks/spectrum/bench_training.py [--quick]`; faiss-cpu comes from the package
index. All begin at the same centroids, and the time to find these is added to everyone's. The
inertias are computed by one exact function.
"""

from __future__ import annotations

import argparse
import time

import faiss
import numpy as np
from _points import points
from sklearn.cluster import KMeans

from tokenry_benchmarks import Row, report
from tokenry_spectrum.codebook._lloyd import step
from tokenry_spectrum.codebook._start import start_centroids

CODES, ITERATIONS = 2048, 10
TARGETS = {("scikit-learn", 2): ">= 30", ("scikit-learn", 3): ">= 14",
           ("faiss", 2): ">= 2.4", ("faiss", 3): ">= 1.4"}  # fmt: skip


def timed(run):
    begin = time.perf_counter()
    result = run()
    return time.perf_counter() - begin, result


def by_sklearn(x, start):
    model = KMeans(len(start), init=start, n_init=1, max_iter=ITERATIONS, tol=0, algorithm="lloyd")
    return model.fit(x).cluster_centers_


def by_faiss(x, start):
    model = faiss.Kmeans(
        x.shape[1], len(start), niter=ITERATIONS, seed=0, max_points_per_centroid=10**7
    )
    model.train(x, init_centroids=start)
    return model.centroids


def until(x, start, inertia):
    """Iterate until the inertia is at most that given."""
    columns, centroids = np.ascontiguousarray(x.T), start.astype(np.float64)
    for count in range(1, 200):
        now = step(columns, centroids)
        if now.inertia <= inertia:
            return now.inertia, count
        centroids = now.centroids
    raise AssertionError(f"inertia {inertia} was not reached; it is {now.inertia}")


def rows_of(d, n, codes, repeats):
    x = points(n, d)
    columns = np.ascontiguousarray(x.T)
    begin, start = timed(lambda: start_centroids(columns, codes, 0))
    begin, start = timed(lambda: start_centroids(columns, codes, 0))
    start = start.astype(np.float32)
    step(columns, start.astype(np.float64))
    rows = []
    for name, run, times in (("faiss", by_faiss, repeats), ("scikit-learn", by_sklearn, 1)):
        theirs, ours = [], []
        for _ in range(times):
            seconds, found = timed(lambda run=run: run(x, start))
            theirs.append(seconds)
            inertia = step(columns, np.asarray(found, np.float64)).inertia
            seconds, (reached, count) = timed(lambda goal=inertia: until(x, start, goal))
            ours.append(seconds)
            assert reached <= inertia
        job = f"{n / 1e6:g} M points, {d} dimensions, inertia {inertia:.5g}"
        rows.append(
            Row(job, f"{count} exact iterations", np.median(ours) + begin,
                f"{name}, {ITERATIONS} iterations", np.median(theirs) + begin, TARGETS[name, d])
        )  # fmt: skip
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    n, codes, repeats = (50_000, 256, 1) if quick else (2_000_000, CODES, 3)
    faiss.omp_set_num_threads(2)
    report("spectrum: training", [row for d in (2, 3) for row in rows_of(d, n, codes, repeats)])


if __name__ == "__main__":
    main()
