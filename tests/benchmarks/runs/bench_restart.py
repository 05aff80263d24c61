"""Starting a run over 10,000 finished fragments: reading footers, journal and file sizes."""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import tokenry
from tokenry_benchmarks import Row, report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    files = 1 if parser.parse_args().quick else 100
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "data").mkdir()
        for i in range(files):
            random = np.random.default_rng(i)
            table = pa.table({"id": np.arange(100) + 100 * i, "g": random.random(100)})
            pq.write_table(table, folder / "data" / f"f{i:03d}.parquet", row_group_size=1)
        scalar = {"name": "scalar", "scalar_columns": ["g"], "n_bins": 4, "apply_row_filter": False}
        run = {
            "source": {"name": "parquet", "path": f"{folder}/data", "fragment_bytes": 1},
            "tokenizers": {"catalog": scalar},
            "artifacts": f"{folder}/artifacts",
            "sink": {"name": "parquet", "path": f"{folder}/tokens"},
            "engine": {"name": "local", "mode": "serial"},
        }
        tokenry.train(run)
        sync, os.fsync = os.fsync, lambda descriptor: None  # only the second run is timed
        first = tokenry.encode(run)
        os.fsync = sync
        start = time.perf_counter()
        again = tokenry.encode(run)
        seconds = time.perf_counter() - start
    assert again.finished_before == first.fragments == 100 * files
    job = f"{first.fragments:,} finished fragments"
    report("runs: starting again", [Row(job, "encode", seconds, "two seconds", 2.0, ">= 1x")])


if __name__ == "__main__":
    main()
