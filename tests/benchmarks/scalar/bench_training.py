"""Training from Parquet: exact and one-pass quantiles against reading and sorting in memory."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from _columns import COLUMNS, ahead, memory, read_only, row_groups, write_parquet

from tokenry_benchmarks import Row, contend, report
from tokenry_core import BaseTokenizer
from tokenry_scalar import ScalarTokenizer

NAMES = [f"c{i}" for i in range(COLUMNS)]
BINS = 1024


def train(path: Path, estimator: str) -> ScalarTokenizer:
    """Train on row groups, as a worker of a run does."""
    tokenizer = ScalarTokenizer(n_bins=BINS, scalar_columns=NAMES, estimator=estimator)
    schema = pq.read_schema(path)
    while True:
        state, first = None, 0
        for batch in ahead(row_groups(path, list(tokenizer.columns(schema)))):
            keys = np.arange(first, first + batch.num_rows, dtype=np.uint64)
            state, first = tokenizer.update(state, batch, keys), first + batch.num_rows
        if not tokenizer.finish(state):
            return tokenizer


def sort_in_memory(path: Path) -> np.ndarray:
    """Sort every column of the whole table with np.sort, and read the quantiles off."""
    table = pq.read_table(path)
    found = np.empty((COLUMNS, BINS + 1))
    for i, name in enumerate(NAMES):
        values = table[name].to_numpy()
        values = values[~np.isnan(values)]
        values.sort()
        found[i] = _quantiles(values)
    return found


def _quantiles(ascending: np.ndarray) -> np.ndarray:
    place = (len(ascending) - 1) * np.linspace(0, 1, BINS + 1)
    low = np.floor(place).astype(np.int64)
    a = ascending[low].astype(np.float64)
    b = ascending[np.minimum(low + 1, len(ascending) - 1)].astype(np.float64)
    t = place - low
    return np.where(t >= 0.5, b - (b - a) * (1 - t), a + (b - a) * t)


def rank_error(tokenizer: BaseTokenizer, path: Path) -> float:
    """Measure the largest distance from the wanted rank, in bins, over columns without ties."""
    table, worst = pq.read_table(path), 0.0
    for i, name in enumerate(NAMES):
        if i % 5 == 4:
            continue
        values = table[name].to_numpy()
        values = np.sort(values[~np.isnan(values)])
        below = np.searchsorted(values, tokenizer.edges[name][1:-1])
        wanted = (len(values) - 1) * np.linspace(0, 1, BINS + 1)[1:-1]
        worst = max(worst, float(np.abs(below - wanted).max()) * BINS / len(values))
    return worst


def processor(run: Callable[[], object]) -> float:
    """Give the processor seconds of a job: on a busy machine they say more than the clock."""
    start = time.process_time()
    run()
    return time.process_time() - start


def peak_memory(path: Path, job: str) -> float:
    """Give the MiB that a job adds to a fresh process."""
    command = [sys.executable, __file__, "--child", job, str(path)]
    out = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(out.stdout.split()[-1])


def child(job: str, path: Path) -> None:
    """Print how much a job raises the peak of this process, which has imported everything."""
    small = ScalarTokenizer(n_bins=2, scalar_columns=["x"])
    small.train({"id": np.arange(9), "x": np.arange(9.0)})
    run = sort_in_memory if job == "sort" else (lambda p: train(p, job))
    before = memory("VmRSS")
    run(path)
    print(memory("VmHWM") - before)


def main() -> None:
    """Compare, after checking that the exact estimator gives what sorting gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory", action="store_true", help="peak memory of a process of its own")
    parser.add_argument("--child", nargs=2)
    given = parser.parse_args()
    if given.child:
        child(given.child[0], Path(given.child[1]))
        return
    rows = 300_000 if given.quick else given.rows
    with tempfile.TemporaryDirectory() as folder:
        path = write_parquet(Path(folder) / "catalog.parquet", rows)
        compare(path, rows, given.repeats)
        if given.memory:
            for job in ("exact", "one-pass", "sort"):
                print(f"peak memory over imports, {job}: {peak_memory(path, job):.0f} MiB")


def compare(path: Path, rows: int, repeats: int) -> None:
    """Check, then time in turn."""
    exact, quick = train(path, "exact"), train(path, "one-pass")
    expected = sort_in_memory(path)
    for i, name in enumerate(NAMES):
        if i % 5 != 4:  # where quantiles tie, edges are set apart
            assert np.array_equal(exact.edges[name], expected[i]), name
    bound = max(found["rank_error"] for found in quick.summary)
    print(f"one-pass: {rank_error(quick, path):.4f} bins off at most, {bound:.4f} promised")
    sample = train(path, "reservoir")
    promised = max(found["rank_error"] for found in sample.summary)
    print(f"reservoir: {rank_error(sample, path):.4f} bins off, {promised:.4f} promised (99 %)")
    jobs = {
        "exact": lambda: train(path, "exact"),
        "one-pass": lambda: train(path, "one-pass"),
        "sort": lambda: sort_in_memory(path),
        "read": lambda: read_only(path),
    }
    seconds = contend(jobs, repeats)
    print("processor time:", ", ".join(f"{k} {processor(run):.2f} s" for k, run in jobs.items()))
    title = f"training, {rows} rows x {COLUMNS} float32 columns"
    report(
        title,
        [
            Row("exact", "exact", seconds["exact"], "np.sort", seconds["sort"], ">= 1"),
            Row("one-pass", "one-pass", seconds["one-pass"], "one read", seconds["read"], ">= 0.5"),
            Row("exact", "exact", seconds["exact"], "one read", seconds["read"]),
        ],
    )


if __name__ == "__main__":
    main()
