"""End to end: Parquet to token Parquet, scalar tokens of 20 float32 columns.

Against merely reading those columns with pyarrow, and against the plain script that a scientist
would write: read with pyarrow, np.searchsorted per column, write an .npz per file.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import tokenry
from tokenry_benchmarks import Row, contend, report

COLUMNS = [f"c{i}" for i in range(20)]


def write(folder: Path, rows: int, files: int) -> None:
    """Write a catalog of float32 columns of different shapes, a twentieth missing."""
    random = np.random.default_rng(0)
    for i in range(files):
        count = rows // files
        columns = {"id": np.arange(i * count, (i + 1) * count)}
        for j, name in enumerate(COLUMNS):
            x = random.standard_normal(count, dtype=np.float32)
            x = [x * 1.3 + 19, np.exp(2 * x), x * 360, np.round(x * 40) / 10][j % 4]
            x[random.random(count, dtype=np.float32) < 0.05] = np.nan
            columns[name] = x.astype(np.float32)
        path = folder / f"part{i:02d}.parquet"
        pq.write_table(pa.table(columns), path, row_group_size=1 << 18, use_dictionary=False)


def read(folder: Path) -> int:
    """Merely read the columns, row group by row group."""
    rows = 0
    for path in sorted(folder.glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                rows += file.read_row_group(group, columns=["id", *COLUMNS]).num_rows
    return rows


def script(folder: Path, out: Path, edges: np.ndarray) -> None:
    """Do what the script does that people write."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    bins = edges.shape[1] - 1
    for path in sorted(folder.glob("*.parquet")):
        table = pq.read_table(path)
        tokens = np.empty((table.num_rows, len(COLUMNS)), np.uint16)
        for j, name in enumerate(COLUMNS):
            x = table.column(name).to_numpy()
            ids = np.clip(np.searchsorted(edges[j], x, side="right") - 1, 0, bins - 1)
            ids[~np.isfinite(x)] = bins
            tokens[:, j] = ids
        ids = table.column("id").to_numpy()
        np.savez(out / f"{path.stem}.npz", ids=ids, scalar_tokens=tokens)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a hundredth of the size")
    parser.add_argument("--mode", default="threads", choices=["threads", "processes", "serial"])
    args = parser.parse_args()
    rows = 50_000 if args.quick else 5_000_000
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "data").mkdir()
        (folder / "sample").mkdir()
        write(folder / "data", rows, 10)
        write(folder / "sample", 50_000, 1)
        run = {
            "source": {"name": "parquet", "path": f"{folder}/data"},
            "training": {"source": {"name": "parquet", "path": f"{folder}/sample"}},
            "tokenizers": {"catalog": {"name": "scalar", "scalar_columns": COLUMNS}},
            "artifacts": f"{folder}/artifacts",
            "sink": {"name": "parquet", "path": f"{folder}/tokens"},
            "engine": {"name": "local", "mode": args.mode, "workers": 2},
        }
        tokenry.train(run)
        found = tokenry.load(folder / "artifacts" / "catalog.safetensors").edges
        edges = np.stack([found[name] for name in COLUMNS])
        tokenry.encode(run, overwrite=True)
        script(folder / "data", folder / "npz", edges)
        ours = tokenry.open_tokens(folder / "tokens").load()
        theirs = [np.load(path) for path in sorted((folder / "npz").glob("*.npz"))]
        same = np.array_equal(
            ours["scalar_tokens"], np.concatenate([f["scalar_tokens"] for f in theirs])
        )
        assert same, "the script's tokens differ from ours"
        del ours, theirs
        seconds = contend(
            {
                "ours": lambda: tokenry.encode(run, overwrite=True),
                "read": lambda: read(folder / "data"),
                "script": lambda: script(folder / "data", folder / "npz", edges),
            },
            repeats=3,
        )
    size = f"{rows:,} rows"
    report(
        "runs: Parquet to token Parquet",
        [
            Row(size, args.mode, seconds["ours"], "reading alone", seconds["read"], ">= 0.40x"),
            Row(size, args.mode, seconds["ours"], "plain script", seconds["script"], ">= 3x"),
        ],
    )


if __name__ == "__main__":
    main()
