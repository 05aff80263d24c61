"""Rows in = rows out + filtered + quarantined, ids equal and in order, whatever the input."""

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tokenry
from tokenry_core.errors import TokenryError

files = st.lists(
    st.fixed_dictionaries(
        {
            "rows": st.integers(0, 60),
            "group": st.integers(1, 40),
            "broken": st.sampled_from(["", "", "", "", "truncated", "empty", "column", "type"]),
            "nulls": st.booleans(),
        }
    ),
    min_size=1,
    max_size=4,
)


def write(folder: Path, plans, ids: str, random) -> list[dict]:
    """Write the files; give every row of those that can be read."""
    rows, first = [], 0
    for i, plan in enumerate(plans):
        path, count = folder / f"f{i}.parquet", plan["rows"]
        x = random.integers(-3, 50, count).astype(object)
        if plan["nulls"]:
            x[random.random(count) < 0.2] = None
        names = [first + j + 2**60 for j in range(count)]
        if ids == "text":
            names = [f"é{name}" for name in names]
        first += count
        values = pa.array([None if v is None else int(v) for v in x], pa.int64())
        columns = {"x": values, "keep": pa.array(random.random(count))}
        if ids != "none":
            columns["id"] = pa.array(names, pa.string() if ids == "text" else pa.int64())
        if plan["broken"] == "column":
            columns["y"] = columns.pop("x")
        if plan["broken"] == "type":
            columns["x"] = pa.array(["no number"] * count, pa.string())
        pq.write_table(pa.table(columns), path, row_group_size=plan["group"])
        if plan["broken"] == "truncated":
            path.write_bytes(path.read_bytes()[:-9])
        elif plan["broken"] == "empty":
            path.write_bytes(b"")
        elif not plan["broken"]:
            keep = columns["keep"].to_pylist()
            named = names if ids != "none" else [f"f{i}.parquet:{j}" for j in range(count)]
            rows += [
                {"id": a, "x": b, "keep": c}
                for a, b, c in zip(named, values.to_pylist(), keep, strict=True)
            ]
    return rows


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    plans=files,
    ids=st.sampled_from(["number", "text", "none"]),
    where=st.sampled_from([None, "keep < 0.7", "x >= 1 and keep < 0.9", "keep > 2"]),
    bad_rows=st.sampled_from(["drop", "missing"]),
    fragment_bytes=st.sampled_from([100, 1000, 1 << 20]),
    batch_rows=st.sampled_from([7, 1 << 16]),
    seed=st.integers(0, 1000),
)
def test_no_row_is_lost(plans, ids, where, bad_rows, fragment_bytes, batch_rows, seed):
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "data").mkdir()
        rows = write(folder / "data", plans, ids, np.random.default_rng(seed))
        source = {"name": "parquet", "path": f"{folder}/data", "fragment_bytes": fragment_bytes}
        run = {
            "source": {**source, **({"where": where} if where else {})},
            "tokenizers": {"moody": {}},
            "engine": {"name": "local", "mode": "serial"},
            "sink": {"name": "parquet", "path": f"{folder}/tokens"},
            "runtime": {"batch_rows": batch_rows},
            "bad_rows": bad_rows,
        }
        if plans[0]["broken"]:
            # The first file that can be read may not have what the run asks for.
            with suppress(TokenryError):
                tokenry.encode(run)
            return
        summary = tokenry.encode(run)
        kept = [row for row in rows if matches(row, where)]
        good = [row for row in kept if row["x"] is None or row["x"] >= 0]
        expected = kept if bad_rows == "missing" else good
        if not any(plan["broken"] == "type" for plan in plans):
            # Rows of a wrong type are noticed only where the filter leaves one.
            assert summary.rows_in == len(rows)
        assert summary.rows_in == summary.rows_out + summary.filtered + summary.quarantined_rows
        lines = (folder / "tokens" / "quarantine.jsonl").read_text().splitlines()
        entries = [json.loads(line) for line in lines]
        assert len([e for e in entries if "row" in e]) == len(kept) - len(good)
        if not expected:
            assert summary.rows_out == 0
            return
        tokens = tokenry.open_tokens(folder / "tokens").load()
        assert tokens["ids"].tolist() == [row["id"] for row in expected]
        assert tokens["moody_tokens"].tolist() == [token(row["x"]) for row in expected]


def matches(row, where) -> bool:
    keep, x = row["keep"], row["x"]
    return {
        None: True,
        "keep < 0.7": keep < 0.7,
        "x >= 1 and keep < 0.9": x is not None and x >= 1 and keep < 0.9,
        "keep > 2": False,
    }[where]


def token(x) -> int:
    return 7 if x is None or x < 0 else x % 7
