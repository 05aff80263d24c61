"""Whole-process start-up: `import tokenry` and `tokenry list`, with 120 distributions installed.

Peers, each in fresh interpreters, in turn: a bare interpreter, importlib.metadata's entry_points(),
and `import timm` (through the module that makes it importable on a CPU).
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tokenry_benchmarks import Row, contend, report

METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
ENTRY = "[tokenry.tokenizers]\n{name} = {module}:Tokenizer\n"


def fill(folder: Path, count: int) -> None:
    """Write distributions that look installed; every third provides a tokenizer."""
    for i in range(count):
        name = f"filler-{i:03d}"
        info = folder / f"filler_{i:03d}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(METADATA.format(name=name))
        if i % 3 == 0:
            (info / "entry_points.txt").write_text(ENTRY.format(name=name, module=f"filler_{i}"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "site")
        folder.mkdir()
        fill(folder, 120)
        env = os.environ | {"PYTHONPATH": str(folder), "TOKENRY_CACHE_DIR": f"{temporary}/cache"}

        def process(*args: str) -> None:
            subprocess.run([sys.executable, *args], env=env, check=True, capture_output=True)

        listing = ("-m", "tokenry", "list")
        seen = subprocess.run(
            [sys.executable, *listing], env=env, check=True, capture_output=True, text=True
        ).stdout
        assert seen.count("filler-") == 80, "each of 40 fillers is listed, by name and distribution"
        contenders = {
            "bare": lambda: process("-c", "pass"),
            "import": lambda: process("-c", "import tokenry"),
            "list": lambda: process(*listing),
            "entry_points": lambda: process(
                "-c", "import importlib.metadata as m; m.entry_points()"
            ),
        }
        if not quick:
            contenders["timm"] = lambda: process(
                "-c", "from tokenry_dino._timm import import_timm; import_timm()"
            )
        seconds = contend(contenders, repeats=5 if quick else 15)
    rows = [
        Row("tokenry list", "cached", seconds["list"], "bare python", seconds["bare"], ">= 0.10x"),
        Row(
            "tokenry list",
            "cached",
            seconds["list"],
            "entry_points()",
            seconds["entry_points"],
        ),
    ]
    if not quick:
        rows.append(
            Row("tokenry list", "cached", seconds["list"], "import timm", seconds["timm"], ">= 10x")
        )
    added = seconds["import"] - seconds["bare"]
    report("startup", rows)
    print(
        f"import tokenry adds {added * 1e3:.1f} ms to {seconds['bare'] * 1e3:.1f} ms (at most 40)"
    )


if __name__ == "__main__":
    main()
