"""What Ray costs: 200 fragments of scalar encoding, against the local pool of processes.

Both with two workers, once Ray and the pool are up. Then what a fragment costs where there is
nothing to do, and the time of two workers as the cost model predicts it from that of one.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import ray

import tokenry
from tokenry.runs import LocalEngine
from tokenry_benchmarks import Figure, Row, contend, report
from tokenry_ray import RayEngine, estimate

COLUMNS = [f"c{i}" for i in range(20)]


def write(folder: Path, fragments: int, rows: int) -> None:
    """Write a catalog of float32 columns, each fragment a row group."""
    folder.mkdir()
    random = np.random.default_rng(0)
    schema = pa.schema([("id", pa.int64()), *((name, pa.float32()) for name in COLUMNS)])
    with pq.ParquetWriter(folder / "catalog.parquet", schema, use_dictionary=False) as writer:
        values = {name: random.standard_normal(rows, dtype=np.float32) for name in COLUMNS}
        for i in range(fragments):
            columns = {"id": np.arange(i * rows, (i + 1) * rows), **values}
            writer.write_table(pa.table(columns, schema), row_group_size=rows)


def nothing(item: int) -> int:
    """Do nothing."""
    return item


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    args = parser.parse_args()
    fragments, rows = 200, 2_000 if args.quick else 20_000
    store = {"object_store_memory": 100 << 20, "include_dashboard": False}
    ray.init(address="local", num_cpus=2, log_to_driver=False, logging_level="ERROR", **store)
    local, distributed = {"name": "local", "workers": 2}, {"name": "ray", "workers": 2}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write(folder / "data", fragments, rows)
        write(folder / "sample", 1, rows)
        run = {
            "source": {"name": "parquet", "path": f"{folder}/data", "fragment_bytes": rows * 80},
            "training": {"source": {"name": "parquet", "path": f"{folder}/sample"}},
            "tokenizers": {"catalog": {"name": "scalar", "scalar_columns": COLUMNS}},
            "artifacts": f"{folder}/artifacts",
            "sink": {"name": "parquet", "path": f"{folder}/tokens"},
            "engine": {"name": "local", "mode": "serial"},
        }
        tokenry.train(run)

        def encode(engine: dict) -> bytes:
            summary = tokenry.encode({**run, "engine": engine}, overwrite=True)
            assert summary.fragments == fragments
            return (folder / "tokens" / "manifest.json").read_bytes()

        assert encode(local) == encode(distributed)
        seconds = contend(
            {
                "local": lambda: encode(local),
                "ray": lambda: encode(distributed),
                "one": lambda: encode({**distributed, "workers": 1}),
            },
            repeats=3,
        )
        before = time.process_time()
        encode(distributed)
        driver = (time.process_time() - before) / fragments
    items = range(1000)
    idle = contend(
        {
            "local": lambda: list(LocalEngine(workers=2).map(nothing, items)),
            "ray": lambda: list(RayEngine(workers=2).map(nothing, items)),
        },
        repeats=3,
    )
    ray.shutdown()
    rate = fragments * rows / seconds["one"]
    plan = estimate(fragments * rows, 2, rate, fragment_rows=rows, startup=0, fragment=0)
    job = f"{fragments} fragments of {rows:,} rows"
    ours, peer = ("ray, 2 workers", "local, 2 processes")
    report(
        "ray: overhead",
        [
            Row(job, ours, seconds["ray"], peer, seconds["local"], ">= 0.77x"),
            Row("an item without work", ours, idle["ray"] / 1000, peer, idle["local"] / 1000),
            Figure(job, "measured", seconds["ray"], "estimate of one's", plan.seconds, "s"),
        ],
    )
    extra = (seconds["ray"] - seconds["local"]) / fragments
    print(f"Ray's scheduling of a fragment costs {extra * 1e3:+.2f} ms more than the pool's;")
    print(f"its driver spends {driver * 1e3:.2f} ms of processor time on each")


if __name__ == "__main__":
    main()
