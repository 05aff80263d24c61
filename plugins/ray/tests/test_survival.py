"""Workers and drivers may be lost at any time: a run ends complete, with the same bytes."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import ray
from catalogs import contents, rewrite, write_catalog

import tokenry
from tokenry.runs import _encode
from tokenry_core import Died
from tokenry_core.errors import ConfigError, DataError
from tokenry_ray import RayEngine

RAY = {"name": "ray", "retries": 1}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a catalog of 12 fragments, with bad rows."""
    monkeypatch.chdir(tmp_path)
    write_catalog(tmp_path / "data", files=4, rows=250)
    rewrite(tmp_path / "data" / "part1.parquet", x={3: -1, 4: -2})
    return tmp_path


def moody(engine, path="tokens"):
    """A run of a tokenizer that is slow, and dies of the value 666."""
    return {
        "source": {"name": "parquet", "path": "data", "fragment_bytes": 2500},
        "tokenizers": {"moody": {"column": "x", "slow": 0.1}},
        "engine": engine,
        "sink": {"name": "parquet", "path": path},
    }


def undisturbed(place, mode="threads"):
    """Give what the run ends with when nothing happens to it."""
    tokenry.encode(moody({"name": "local", "mode": mode, "workers": 4}, "undisturbed"))
    return contents(place / "undisturbed")


def lines(journal):
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def processes():
    """Give (process, parent, title) of everything that runs."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int(folder.joinpath("stat").read_text().rpartition(")")[2].split()[1])
            title = folder.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue  # it has ended meanwhile
        yield int(folder.name), parent, title


def busy_workers():
    """Give the processes of this test's Ray that work on an item."""
    there = list(processes())
    ours = {os.getpid()}
    for _ in range(3):
        ours |= {pid for pid, parent, _ in there if parent in ours}
    return [pid for pid, _, title in there if pid in ours and title.startswith("ray::call")]


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_run_whose_workers_are_killed_ends_complete(place):
    expected = undisturbed(place)
    killed = []

    def kill():
        wait_for(lambda: lines(place / "tokens" / "journal.jsonl") > 3)
        for pid in busy_workers():
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)

    killer = threading.Thread(target=kill)
    killer.start()
    tokenry.encode(moody({**RAY, "workers": 2}))
    killer.join()
    assert killed
    assert contents(place / "tokens") == expected


def test_fragment_that_kills_its_workers_is_quarantined_as_by_the_local_engine(place):
    rewrite(place / "data" / "part2.parquet", x={130: 666})
    expected = undisturbed(place, "processes")
    summary = tokenry.encode(moody({**RAY, "workers": 2}))
    assert contents(place / "tokens") == expected
    assert (summary.quarantined_fragments, summary.rows_out, summary.exit_code) == (1, 898, 1)
    quarantine = (place / "tokens" / "quarantine.jsonl").read_text().splitlines()
    (entry,) = [line for line in map(json.loads, quarantine) if line["fragment"] == "part2@100"]
    assert "kills the process" in entry["reason"]


def killed_driver(place, engine):
    """Start a run in a process of its own, and kill that while workers write."""
    (place / "run.json").write_text(json.dumps(moody(engine)))
    driver = subprocess.Popen(
        [sys.executable, "-m", "tokenry", "encode", "run.json", "--quiet"],
        start_new_session=True,
    )
    wait_for(lambda: lines(place / "tokens" / "journal.jsonl") > 3 or driver.poll() is not None)
    driver.kill()
    assert driver.wait() == -signal.SIGKILL


def test_run_whose_driver_is_killed_goes_on(place):
    """The workers are of a cluster that goes on too; those of the dead driver may not."""
    expected = undisturbed(place)
    engine = {**RAY, "workers": 2, "address": ray.get_runtime_context().gcs_address}
    killed_driver(place, engine)
    summary = tokenry.encode(moody(engine))
    assert summary.finished_before >= 3
    wait_for(lambda: not busy_workers())
    assert contents(place / "tokens") == expected
    assert not list((place / "tokens").glob("*.partial"))


@pytest.mark.slow
def test_driver_that_is_killed_takes_its_own_ray_with_it(place):
    expected = undisturbed(place)
    before = {pid for pid, _, title in processes() if "raylet" in title}
    killed_driver(place, {**RAY, "workers": 2, "address": "local"})
    wait_for(lambda: {pid for pid, _, title in processes() if "raylet" in title} <= before)
    tokenry.encode(moody({**RAY, "workers": 2}))
    assert contents(place / "tokens") == expected


HUNGRY = """
import time
from tokenry_core import Died
from tokenry_ray import RayEngine
assert list(RayEngine(address="local", workers=1).map(time.sleep, [60])) == [(60, Died())]
"""


@pytest.mark.slow
def test_item_that_needs_more_memory_than_there_is_is_not_tried_for_ever():
    env = {**os.environ, "RAY_memory_usage_threshold": "0.001", "RAY_task_oom_retries": "1"}
    command = [sys.executable, "-c", HUNGRY]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_run_continues_on_another_engine(place):
    expected = undisturbed(place)
    killed_driver(place, {**RAY, "workers": 2, "address": ray.get_runtime_context().gcs_address})
    tokenry.encode(moody({"name": "local", "mode": "serial"}))
    assert contents(place / "tokens") == expected


def test_training_whose_workers_are_always_lost_says_so(place, monkeypatch):
    monkeypatch.setattr(RayEngine, "reduce", lambda *given: Died())
    run = {**moody(RAY), "tokenizers": {"range": {"column": "y"}}}
    with pytest.raises(DataError, match="a worker was lost: it kills the process"):
        tokenry.train(run)


def test_folder_that_a_worker_does_not_see_stops_the_run(place, monkeypatch):
    monkeypatch.setattr(_encode, "JOURNAL", "nowhere.jsonl")
    with pytest.raises(ConfigError, match=r"nowhere.jsonl: not to be seen on .* file system"):
        tokenry.encode(moody(RAY))
