"""Catalog-like columns, in memory and as Parquet files, and ways to read them."""

from __future__ import annotations

import concurrent.futures as futures
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

COLUMNS = 20
GROUP = 262_144


def columns(rows: int, dtype: type = np.float32, seed: int = 1) -> list[np.ndarray]:
    """Magnitudes, fluxes, proper motions, angles and counted values, 5 % missing."""
    rng = np.random.default_rng(seed)
    kinds = (
        lambda: rng.standard_normal(rows, dtype=np.float32) * 1.3 + 19,
        lambda: np.exp(rng.standard_normal(rows, dtype=np.float32) * 2),
        lambda: rng.standard_t(2, rows) * 3,
        lambda: rng.random(rows, dtype=np.float32) * 360,
        lambda: np.round(rng.standard_normal(rows, dtype=np.float32) * 40) / 10,
    )
    found = [np.asarray(kinds[i % len(kinds)](), dtype) for i in range(COLUMNS)]
    for column in found:
        column[rng.random(rows, dtype=np.float32) < 0.05] = np.nan
    return found


def write_parquet(path: Path, rows: int) -> Path:
    """Write that many rows, unless they are there."""
    if path.exists() and pq.read_metadata(path).num_rows == rows:
        return path
    writer = None
    for start in range(0, rows, GROUP):
        part = columns(min(GROUP, rows - start), seed=start)
        table = pa.table({f"c{i}": column for i, column in enumerate(part)})
        if writer is None:
            writer = pq.ParquetWriter(
                path, table.schema, compression="snappy", use_dictionary=False
            )
        writer.write_table(table)
    assert writer is not None
    writer.close()
    return path


def row_groups(path: Path, names: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Read one row group after another, all columns or some."""
    with pq.ParquetFile(path, memory_map=False, pre_buffer=False) as file:
        for group in range(file.metadata.num_row_groups):
            yield file.read_row_group(group, names).combine_chunks().to_batches()[0]


def ahead(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Read the next batch in a thread while this one is worked on."""
    with futures.ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = pool.submit(next, batches, None)
            yield batch


def read_only(path: Path) -> int:
    """Read everything and do nothing: the limit that no encoder gets below."""
    return sum(batch.num_rows for batch in row_groups(path))


def memory(field: str) -> float:
    """Give the MiB that this process holds now (VmRSS) or held at most (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024
