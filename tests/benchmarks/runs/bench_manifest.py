"""A run of 100,000 fragments: its journal, manifest, and what starting again and opening cost.

Everything but the work itself: the shards are empty files, and the journal's lines are not forced
to the disk one by one (the time of that is told apart).
"""

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tokenry import open_tokens
from tokenry.runs._commit import is_whole, remove_leftovers
from tokenry.runs._journal import Journal, read_journal
from tokenry.runs._manifest import write_manifest
from tokenry.runs._summary import summarize
from tokenry.runs._task import BadRow, FragmentResult
from tokenry_benchmarks import Figure, Row, report

IDENTITY = {"format": 1, "tokenizers": {"catalog": {"name": "scalar", "fingerprint": "0" * 64}}}


def result(number: int) -> FragmentResult:
    """Give the result of a fragment as a large run has it: two in a hundred have a bad row."""
    stem = f"part-{number:06d}"
    bad = [BadRow(str(number * 100_000), "catalog: no number")] if number % 50 == 0 else []
    return FragmentResult(
        stem=stem,
        fragment=f"healpix/{number // 1000:05d}/catalog@{number % 1000 * 100_000}",
        digest=f"{number:064x}",
        files=[(f"{stem}.parquet", 0)],
        rows_in=100_000,
        rows_out=100_000 - len(bad),
        bad=bad,
        counts={"catalog.clipped": number, "catalog.missing": 17},
    )


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Give the seconds, and the result."""
    start = time.perf_counter()
    done = work()
    return time.perf_counter() - start, done


def write_journal(folder: Path, results: list[FragmentResult]) -> None:
    """Write a journal line by line."""
    journal = Journal(folder)
    journal.start(IDENTITY)
    for one in results:
        journal.add(one)
    journal.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10,000 fragments")
    count = 10_000 if parser.parse_args().quick else 100_000
    results = [result(i) for i in range(count)]
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "tokens")
        folder.mkdir()
        for one in results:
            (folder / one.files[0][0]).touch()
        sample = Path(temporary, "sample")
        sample.mkdir()
        synced, _ = timed(lambda: write_journal(sample, results[:200]))
        sync, os.fsync = os.fsync, lambda descriptor: None
        seconds["journal, written"], _ = timed(lambda: write_journal(folder, results))
        os.fsync = sync
        seconds["journal, read"], (_, finished) = timed(lambda: read_journal(folder))
        seconds["shards, looked for"], whole = timed(
            lambda: [is_whole(folder, one) for one in finished.values()]
        )
        seconds["leftovers, looked for"], _ = timed(lambda: remove_leftovers(folder))
        seconds["manifest, written"], _ = timed(
            lambda: write_manifest(folder, IDENTITY, finished.values())
        )
        seconds["folder, opened"], tokens = timed(lambda: len(open_tokens(folder)))
        seconds["summary"], summary = timed(lambda: summarize("tokens", finished.values(), 0, 1.0))
        assert all(whole)
        assert list(finished.values()) == results
        assert tokens == summary.rows_out == count * 100_000 - count // 50
        assert json.loads((folder / "manifest.json").read_text())["fragments"][-1]["rows_in"]
        sizes = {
            name: (folder / name).stat().st_size for name in ("journal.jsonl", "manifest.json")
        }
    job = f"{count:,} fragments"
    limit = 10.0 * count / 100_000
    print(f"a line of the journal with its fsync: {synced / 200 * 1e3:.2f} ms")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    report(
        "runs: manifest",
        [
            *(
                Row(f"{job}: {n}", "run", s, "0.1 ms each", limit, ">= 1x")
                for n, s in seconds.items()
            ),
            *(
                Figure(f"{job}: {n}", "run", s / 2**20, "512 bytes each", count / 2048, "MiB")
                for n, s in sizes.items()
            ),
            Figure(f"{job}: memory at most", "run", memory, "10 KiB each", count / 100, "MiB"),
        ],
    )


if __name__ == "__main__":
    main()
