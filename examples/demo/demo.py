"""`make demo`: a catalog of stars becomes tokens, with a report to look at.

Everything is written below ./demo: the catalog, the trained tokenizers, the tokens, the report.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import stars

import tokenry
from tokenry.report import write_report

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Run the demo and say where to look."""
    folder = Path("demo")
    shutil.rmtree(folder, ignore_errors=True)
    stars.write(folder / "catalog")
    shutil.copy(HERE / "run.yaml", folder)
    os.chdir(folder)
    print("$ tokenry train run.yaml")
    print(tokenry.train("run.yaml"))
    print("\n$ tokenry encode run.yaml")
    print(tokenry.encode("run.yaml"))
    tokens = tokenry.open_tokens("tokens")
    first = next(iter(tokens))
    print(f'\n>>> tokenry.open_tokens("tokens")\n{first!r} and {len(tokens) - first.rows:,} more')
    print(f"catalog tokens of the first star: {first['scalar_tokens'][0].tolist()}")
    print(f"spectrum tokens of the first star: {first['tokens_star'][0][:8].tolist()} ...")
    page = write_report("tokens")
    print(f"\nThe report: {page.absolute().as_uri()}")


if __name__ == "__main__":
    main()
