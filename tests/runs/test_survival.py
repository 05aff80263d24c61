"""Stopped anywhere and started again, a run ends as if nothing had happened."""

import json
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from catalogs import contents, rewrite

import tokenry

SUPPORT = Path(__file__).parent.parent / "support"


@pytest.fixture
def undisturbed(run, catalog, place):
    """What the run makes when nothing happens to it; with bad rows and a bad fragment."""
    rewrite(catalog / "part1.parquet", x={3: -1, 4: -2})
    rewrite(catalog / "part2.parquet", x={120: 667})
    del run["tokenizers"]["range"]
    tokenry.encode({**run, "sink": {"name": "parquet", "path": "undisturbed"}})
    return contents(place / "undisturbed")


def start(run, place, point, count):
    (place / "run.json").write_text(json.dumps(run))
    command = [sys.executable, str(SUPPORT / "killed_run.py"), "run.json", point, str(count)]
    return subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=60)


POINTS = [
    ("before-write", 3),
    ("after-write", 3),
    ("before-fsync", 2),
    ("after-fsync", 4),
    ("before-rename", 5),
    ("after-rename", 1),
    ("before-journal", 6),
    ("within-journal", 1),
    ("within-journal", 7),
    ("after-journal", 12),
    ("before-manifest", 1),
    ("before-rename", 13),  # of the manifest's files
    ("after-manifest", 1),
]


@pytest.mark.slow
@pytest.mark.parametrize(("point", "count"), POINTS, ids=lambda value: str(value))
def test_killed_run_continues_to_the_same_end(run, place, undisturbed, point, count):
    killed = start(run, place, point, count)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    done = tokenry.encode(run)
    assert contents(place / "tokens") == undisturbed
    assert not list((place / "tokens").glob("*.partial"))
    assert tokenry.encode(run).finished_before == done.fragments  # the journal is whole, too


def test_run_killed_again_and_again_ends_the_same(run, place, undisturbed):
    for count in (2, 3, 1, 4):
        start(run, place, "after-commit", count)
    assert tokenry.encode(run).finished_before == 1 + 2 + 0 + 3
    assert contents(place / "tokens") == undisturbed


def test_what_is_finished_is_not_done_again(run, place, undisturbed):
    start(run, place, "before-journal", 8)
    stamps = {path: path.stat().st_mtime_ns for path in (place / "tokens").glob("part-*.parquet")}
    assert tokenry.encode(run).finished_before == 7
    kept = [path for path, stamp in stamps.items() if path.stat().st_mtime_ns == stamp]
    assert len(kept) == 7


def test_full_disk_stops_the_run_and_loses_nothing(run, place, undisturbed):
    (place / "run.json").write_text(json.dumps(run))

    def small_disk():
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))

    done = subprocess.run(
        [sys.executable, "-m", "tokenry", "encode", "run.json", "--quiet"],
        cwd=place,
        capture_output=True,
        text=True,
        preexec_fn=small_disk,
        timeout=60,
    )
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    tokenry.encode(run)
    assert contents(place / "tokens") == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stopped_pool_of_processes_leaves_a_run_that_continues(run, place, undisturbed, number):
    run["engine"] = {"name": "local", "workers": 2}
    slow = {**run, "tokenizers": {"moody": {"slow": 0.2}}, "sink": {"name": "npz", "path": "slow"}}
    (place / "slow.json").write_text(json.dumps(slow))
    process = subprocess.Popen(
        [sys.executable, "-m", "tokenry", "encode", "slow.json", "--quiet"],
        cwd=place,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    journal = place / "slow" / "journal.jsonl"
    while not (journal.exists() and journal.read_bytes().count(b"\n") > 3):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)  # ends when the workers have ended too
    if number != signal.SIGKILL:
        assert process.returncode == 130
        assert "Traceback" not in errors
    summary = tokenry.encode(slow)
    assert summary.finished_before >= 3
    assert summary.rows_out == 898
    assert len(tokenry.open_tokens("slow")) == 898


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["processes", "threads"])
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_same_bytes_with_any_number_of_workers(run, place, undisturbed, mode, workers):
    run["engine"] = {"name": "local", "mode": mode, "workers": workers}
    tokenry.encode(run)
    assert contents(place / "tokens") == undisturbed


@pytest.mark.slow
def test_fragment_that_kills_its_worker_is_quarantined_alone(run, place, catalog):
    rewrite(catalog / "part1.parquet", x={130: 666})
    del run["tokenizers"]["range"]
    run["engine"] = {"name": "local", "workers": 2}
    summary = tokenry.encode(run)
    assert (summary.quarantined_fragments, summary.rows_out, summary.exit_code) == (1, 900, 1)
    entry = json.loads((place / "tokens" / "quarantine.jsonl").read_text())
    assert entry["fragment"] == "part1@100"
    assert "kills the process" in entry["reason"]


@pytest.mark.slow
def test_training_is_the_same_with_any_number_of_workers(run, place):
    artifacts = set()
    for i, engine in enumerate(
        (
            {"mode": "serial"},
            {"mode": "threads", "workers": 3},
            {"mode": "processes", "workers": 2},
        )
    ):
        changed = {**run, "engine": {"name": "local", **engine}, "artifacts": f"a{i}"}
        tokenry.train(changed)
        artifacts.add((place / f"a{i}" / "range.safetensors").read_bytes())
    assert len(artifacts) == 1
