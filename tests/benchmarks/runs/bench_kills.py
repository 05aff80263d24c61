"""A run killed (kill -9) at 30 random moments and started again ends as an undisturbed one."""

import argparse
import hashlib
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import tokenry
from tokenry_benchmarks import Figure, report


def contents(folder: Path) -> dict[str, str]:
    kept = [*folder.glob("part-*"), folder / "manifest.json", folder / "quarantine.jsonl"]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(kept)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three kills")
    kills = 3 if parser.parse_args().quick else 30
    moments = random.Random(0)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "data").mkdir()
        for i in range(20):
            values = np.random.default_rng(i).random(40_000)
            table = pa.table({"id": np.arange(40_000), "g": values})
            pq.write_table(table, folder / "data" / f"f{i}.parquet", row_group_size=2_000)
        scalar = {"name": "scalar", "scalar_columns": ["g"], "apply_row_filter": False}
        run = {
            "source": {"name": "parquet", "path": f"{folder}/data", "fragment_bytes": 30_000},
            "tokenizers": {"catalog": scalar},
            "artifacts": f"{folder}/artifacts",
            "sink": {"name": "parquet", "path": f"{folder}/undisturbed"},
            "engine": {"name": "local", "workers": 2},
        }
        tokenry.train(run)
        tokenry.encode(run)
        expected = contents(folder / "undisturbed")
        run["sink"] = {"name": "parquet", "path": f"{folder}/tokens"}
        (folder / "run.json").write_text(json.dumps(run))
        killed = 0
        while killed < kills:
            process = subprocess.Popen(
                [sys.executable, "-m", "tokenry", "encode", str(folder / "run.json"), "--quiet"]
            )
            time.sleep(moments.uniform(0.3, 6.0))
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                killed += 1
            process.wait()
            if (folder / "tokens" / "manifest.json").exists() and killed < kills:
                tokenry.encode(run)
                assert contents(folder / "tokens") == expected, "a killed run ended differently"
                shutil.rmtree(folder / "tokens")
        tokenry.encode(run)
        assert contents(folder / "tokens") == expected, "a killed run ended differently"
    job = "kill -9 at random moments, then to the end"
    report("runs: kills", [Figure(job, "equal runs", killed, "kills", killed, "runs", "all")])


if __name__ == "__main__":
    main()
