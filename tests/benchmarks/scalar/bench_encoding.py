"""Encoding: in memory against torch.bucketize and np.searchsorted; from Parquet against reading."""

from __future__ import annotations

import argparse
import concurrent.futures as futures
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from _columns import COLUMNS, ahead, columns, memory, read_only, row_groups, write_parquet

from tokenry_benchmarks import Row, contend, report
from tokenry_scalar import ScalarTokenizer
from tokenry_scalar._floats import ceil32
from tokenry_scalar.binning import bin_values

NAMES = [f"c{i}" for i in range(COLUMNS)]
BINS = 1024
POOL = futures.ThreadPoolExecutor(2)
Tokens = np.ndarray


def as_batch(arrays: list[np.ndarray]) -> pa.RecordBatch:
    """Put columns into a batch with ids."""
    ids = np.arange(len(arrays[0]))
    return pa.record_batch({"id": ids} | dict(zip(NAMES, arrays, strict=True)))


def inner_edges(tokenizer: ScalarTokenizer, dtype: type) -> list[np.ndarray]:
    """Give each peer the thresholds in its own type, rounded so that its tokens are the same."""
    inner = [tokenizer.edges[name][1:-1] for name in NAMES]
    return [ceil32(edges) if dtype == np.float32 else edges.copy() for edges in inner]


def torch_bucketize(arrays: list[np.ndarray], edges: list[np.ndarray], threads: int = 2) -> Tokens:
    """Bins by torch.bucketize, in as many threads of its own."""
    torch.set_num_threads(threads)
    out = torch.empty((len(arrays[0]), len(arrays)), dtype=torch.int16)
    for i, (array, inner) in enumerate(zip(arrays, edges, strict=True)):
        values = torch.from_numpy(array)
        bins = torch.bucketize(values, torch.from_numpy(inner), right=True, out_int32=True)
        bins[torch.isnan(values)] = BINS
        out[:, i] = bins
    return out.numpy().view(np.uint16)


def numpy_searchsorted(arrays: list[np.ndarray], edges: list[np.ndarray]) -> Tokens:
    """Bins by np.searchsorted, in two threads."""
    out = np.empty((len(arrays[0]), len(arrays)), np.uint16)

    def one(i: int) -> None:
        bins = np.searchsorted(edges[i], arrays[i], side="right")
        bins[np.isnan(arrays[i])] = BINS
        out[:, i] = bins

    list(POOL.map(one, range(len(arrays))))
    return out


def in_memory(rows: int, dtype: type, target: str, repeats: int) -> list[Row]:
    """Compare on arrays that are in memory."""
    arrays = columns(rows, dtype)
    batch = as_batch(arrays)
    tokenizer = ScalarTokenizer(n_bins=BINS, scalar_columns=NAMES).train(batch)
    edges = inner_edges(tokenizer, dtype)
    pairs = zip(arrays, NAMES, strict=True)
    expected = np.stack([bin_values(a, tokenizer.edges[n], BINS) for a, n in pairs], axis=1)
    contenders: dict[str, Callable[[], Tokens]] = {
        "ours": lambda: tokenizer.encode(batch)["scalar_tokens"],
        "torch.bucketize": lambda: torch_bucketize(arrays, edges),
        "torch.bucketize, 1 thread": lambda: torch_bucketize(arrays, edges, 1),
        "np.searchsorted": lambda: numpy_searchsorted(arrays, edges),
    }
    for name, run in contenders.items():
        assert np.array_equal(run(), expected), name
    seconds = contend(contenders, repeats)
    job = f"{rows} rows x {COLUMNS} {np.dtype(dtype).name}"
    return [
        Row(job, "ours", seconds["ours"], peer, seconds[peer], target if peer[0] == "t" else "")
        for peer in list(contenders)[1:]
    ]


def consume(batches: Iterable[pa.RecordBatch], encode: Callable[[pa.RecordBatch], Tokens]) -> int:
    """Encode batch after batch and forget the tokens."""
    return sum(len(encode(batch)) for batch in batches)


def from_parquet(path: Path, rows: int, repeats: int) -> list[Row]:
    """Compare on a file that is read by row group, one ahead."""
    first = next(row_groups(path))
    tokenizer = ScalarTokenizer(n_bins=BINS, scalar_columns=NAMES).train(first)
    edges = inner_edges(tokenizer, np.float32)

    def ours(batch: pa.RecordBatch) -> Tokens:
        return tokenizer.encode_batch(batch)["scalar_tokens"]

    def peer(batch: pa.RecordBatch) -> Tokens:
        with_numpy = [column.to_numpy().copy() for column in batch.columns]
        return torch_bucketize(with_numpy, edges)

    assert np.array_equal(ours(first), peer(first))
    seconds = contend(
        {
            "ours": lambda: consume(ahead(row_groups(path)), ours),
            "torch.bucketize": lambda: consume(ahead(row_groups(path)), peer),
            "reading alone": lambda: read_only(path),
        },
        repeats,
    )
    job = f"Parquet to tokens, {rows} rows x {COLUMNS}"
    return [
        Row(job, "ours", seconds["ours"], "torch.bucketize", seconds["torch.bucketize"], ">= 10"),
        Row(job, "ours", seconds["ours"], "reading alone", seconds["reading alone"], ">= 0.67"),
    ]


def memory_child(path: Path) -> None:
    """Encode a file and print the peak memory of this process in MiB."""
    first = next(row_groups(path))
    tokenizer = ScalarTokenizer(n_bins=BINS, scalar_columns=NAMES).train(first)
    consume(ahead(row_groups(path)), lambda b: tokenizer.encode_batch(b)["scalar_tokens"])
    print(memory("VmHWM"))


START = """
import time; start = time.perf_counter()
from tokenry_scalar import ScalarTokenizer
tokenizer = ScalarTokenizer.load({path!r}); loaded = time.perf_counter()
tokenizer.encode({{"id": [1], "c0": [1.0]}}); done = time.perf_counter()
print(loaded - start, done - loaded, done - start)
"""


def warm_start(folder: Path) -> None:
    """Print how long a new process takes to its first tokens, kernels compiled before."""
    table = {"id": np.arange(9), "c0": np.arange(9.0)}
    saved = ScalarTokenizer(n_bins=4, scalar_columns=["c0"]).train(table)
    path = str(saved.save(folder / "scalar.safetensors"))
    command = [sys.executable, "-c", START.format(path=path)]
    for _ in range(2):
        out = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded, encoded, everything = (float(number) for number in out.stdout.split())
    print(f"warm start: load {loaded:.2f} s, first tokens {encoded:.2f} s, all {everything:.2f} s")


def child(*arguments: str) -> list[float]:
    """Run this script as a process of its own and give the numbers of its last line."""
    command = [sys.executable, __file__, "--child", *arguments]
    out = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(number) for number in out.stdout.splitlines()[-1].split()]


def main() -> None:
    """Run all comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rows", type=int, default=10_000_000, help="of the Parquet file")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--memory", type=int, nargs="*", default=[], help="rows of files to compare"
    )
    parser.add_argument("--child", nargs="+")
    given = parser.parse_args()
    if given.child:
        memory_child(Path(given.child[0]))
        return
    rows = 50_000 if given.quick else 1_000_000
    found = in_memory(rows, np.float32, ">= 25", given.repeats)
    found += in_memory(rows, np.float64, ">= 12", given.repeats)
    with tempfile.TemporaryDirectory() as folder:
        size = 300_000 if given.quick else given.rows
        path = write_parquet(Path(folder) / "catalog.parquet", size)
        found += from_parquet(path, size, min(3, given.repeats))
        warm_start(Path(folder))
        path.unlink()
        for count in given.memory:
            path = write_parquet(Path(folder) / f"{count}.parquet", count)
            print(
                f"peak memory of a process that encodes {count} rows: {child(str(path))[0]:.0f} MiB"
            )
            path.unlink()
    report("scalar encoding", found)


if __name__ == "__main__":
    main()
