"""A run of 100,000 fragments: journal, manifest and what reads them."""

import json
import os

import numpy as np
import pytest

from tokenry import open_tokens
from tokenry.runs._commit import is_whole
from tokenry.runs._journal import Journal, read_journal
from tokenry.runs._manifest import write_manifest
from tokenry.runs._summary import summarize
from tokenry.runs._task import BadRow, FragmentResult

COUNT, ROWS = 100_000, 90_000
IDENTITY = {"format": 1, "tokenizers": {}, "input": {"fragments": COUNT}}


def result(number):
    bad = [BadRow(str(number), "no number")] if number % 1000 == 0 else []
    stem = f"part-{number:06d}"
    return FragmentResult(
        stem=stem,
        fragment=f"field{number % 97}/catalog@{number}",
        digest=f"{number:064x}",
        files=[(f"{stem}.parquet", 0)],
        rows_in=ROWS,
        rows_out=ROWS - len(bad),
        bad=bad,
        counts={"clipped": 1},
    )


@pytest.mark.slow
def test_hundred_thousand_fragments(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    order = np.random.default_rng(0).permutation(COUNT)
    journal = Journal(tmp_path)
    journal.start(IDENTITY)
    for number in order:
        journal.add(result(int(number)))
    journal.close()

    identity, finished = read_journal(tmp_path)
    assert identity == IDENTITY
    assert len(finished) == COUNT
    assert finished["part-012345"] == result(12345)
    assert not is_whole(tmp_path, finished["part-012345"])  # the shards are not there

    write_manifest(tmp_path, identity, finished.values())
    lines = (tmp_path / "manifest.json").read_text().splitlines()
    assert len(lines) == COUNT + 7
    assert json.loads(lines[5].rstrip(","))["stem"] == "part-000000"
    assert max(map(len, lines)) < 500
    assert (tmp_path / "quarantine.jsonl").read_text().count("\n") == COUNT // 1000

    tokens = open_tokens(tmp_path)
    assert len(tokens) == COUNT * ROWS - COUNT // 1000
    assert tokens.shards[-1].name == "part-099999.parquet"
    summary = summarize("tokens", finished.values(), 0, 1.0)
    assert (summary.rows_in, summary.counts) == (COUNT * ROWS, {"clipped": COUNT})
