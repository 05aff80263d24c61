"""Peak memory of encoding 1, 5 and 20 million rows of 20 float32 columns, each in a new process."""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from bench_encode import COLUMNS, write

from tokenry_benchmarks import Figure, report

CHILD = """
import json, resource, sys, tokenry
tokenry.encode(json.loads(sys.argv[1]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def peak(folder: Path, rows: int, artifact: str) -> float:
    """Write a catalog of so many rows and give the MiB that encoding it took."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        data = Path(place, "data")
        data.mkdir()
        write(data, rows, max(1, rows // 1_000_000))
        run = {
            "source": {"name": "parquet", "path": str(data)},
            "tokenizers": {"catalog": {"artifact": artifact}},
            "sink": {"name": "parquet", "path": f"{place}/tokens"},
            "engine": {"name": "local", "mode": "threads", "workers": 2},
        }
        done = subprocess.run(
            [sys.executable, "-c", CHILD, json.dumps(run)],
            capture_output=True,
            text=True,
            check=True,
        )
        return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the size")
    unit = 100_000 if parser.parse_args().quick else 1_000_000
    import tokenry

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "sample").mkdir()
        write(folder / "sample", 50_000, 1)
        tokenry.train(
            {
                "source": {"name": "parquet", "path": f"{folder}/sample"},
                "tokenizers": {"catalog": {"name": "scalar", "scalar_columns": COLUMNS}},
                "artifacts": f"{folder}/artifacts",
                "engine": {"name": "local", "mode": "serial"},
            }
        )
        artifact = f"{folder}/artifacts/catalog.safetensors"
        peaks = {n * unit: peak(folder, n * unit, artifact) for n in (1, 5, 20)}
    for rows, mebibytes in peaks.items():
        print(f"{rows:>12,} rows: {mebibytes:7.0f} MiB at most")
    spread = max(peaks.values()) / min(peaks.values()) - 1
    print(f"spread: {spread:.1%} (at most 15 %)")
    most, least = max(peaks.values()), min(peaks.values())
    job = f"peak memory, {unit:,} to {20 * unit:,} rows"
    report("runs: memory", [Figure(job, "most", most, "least", least, "MiB", "<= 1.15x")])


if __name__ == "__main__":
    main()
