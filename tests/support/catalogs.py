"""A small catalog on disk and a run over it, for the tests of runs."""

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

RUN = {
    "source": {"name": "parquet", "path": "data", "fragment_bytes": 2500},
    "tokenizers": {"range": {"column": "y"}, "moody": {"column": "x"}},
    "engine": {"name": "local", "mode": "serial"},
    "sink": {"name": "parquet", "path": "tokens"},
}


def write_catalog(folder: Path, files: int, rows: int, group: int = 100) -> None:
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(0)
    for i in range(files):
        y = random.normal(size=rows)
        y[random.random(rows) < 0.1] = np.nan
        columns = {
            "id": np.arange(i * rows, (i + 1) * rows) + 2**60,
            "x": random.integers(0, 100, rows),
            "y": y,
        }
        pq.write_table(pa.table(columns), folder / f"part{i}.parquet", row_group_size=group)


def rewrite(path: Path, **columns) -> None:
    """Replace columns of a Parquet file: column={row: value}, or a whole column."""
    table = pq.read_table(path)
    for name, change in columns.items():
        values = table.column(name).to_pylist() if name in table.column_names else []
        if isinstance(change, dict):
            for row, value in change.items():
                values[row] = value
        else:
            values = change
        position = table.column_names.index(name)
        table = table.set_column(position, name, pa.array(values))
    pq.write_table(table, path, row_group_size=100)


def contents(folder: Path) -> dict[str, str]:
    """Digest of all that a run promises to repeat."""
    kept = [*folder.glob("part-*"), folder / "manifest.json", folder / "quarantine.jsonl"]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(kept)}
