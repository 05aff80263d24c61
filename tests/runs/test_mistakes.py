"""Mistakes around a run: each is said before, or instead of, harm."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from catalogs import rewrite

import tokenry
from tokenry.cli import main
from tokenry.runs import LocalEngine
from tokenry_core import Died
from tokenry_core.errors import ArtifactError, ConfigError, DataError


@pytest.fixture
def moody(run):
    del run["tokenizers"]["range"]
    return run


def test_other_id_column_is_another_run(moody, catalog):
    for path in catalog.glob("*.parquet"):
        table = pq.read_table(path)
        pq.write_table(table.append_column("other", table.column("id")), path)
    tokenry.encode(moody)
    moody["source"]["id"] = "other"
    with pytest.raises(ConfigError, match="source.id was None, now 'other'"):
        tokenry.encode(moody)


@pytest.mark.parametrize(
    ("name", "message"), [("nope", '"nope" is missing'), ("y", 'id column "y" is double')]
)
def test_id_column_that_cannot_be_one_is_said_once(moody, place, name, message):
    moody["source"]["id"] = name
    with pytest.raises(ValueError, match=message):
        tokenry.encode(moody)
    assert not (place / "tokens" / "journal.jsonl").exists()


def test_artifact_that_is_lost_during_a_run_fails_the_run_and_no_fragment(run, place, monkeypatch):
    from tokenry.runs import _tokenizers

    tokenry.train(run)
    monkeypatch.setattr(_tokenizers, "_here", {})
    lost = place / "artifacts" / "lost.safetensors"

    def lose(*args, **kwargs):
        (place / "artifacts" / "range.safetensors").rename(lost)
        return load(*args, **kwargs)

    load = _tokenizers.load
    monkeypatch.setattr(_tokenizers, "load", lose)
    with pytest.raises(ArtifactError, match="No such file"):
        tokenry.encode(run)
    monkeypatch.setattr(_tokenizers, "load", load)
    lost.rename(place / "artifacts" / "range.safetensors")
    assert tokenry.encode(run).exit_code == 0


def test_absent_artifact_is_a_wrong_call(run, capsys):
    run["tokenizers"] = {"a": {"artifact": "none.safetensors"}}
    with pytest.raises(ConfigError, match="tokenizers.a.artifact: none.safetensors does not exist"):
        tokenry.encode(run)


def test_tokens_inside_the_source_are_refused(moody, catalog):
    moody["sink"]["path"] = "data/tokens"
    with pytest.raises(ConfigError, match="lies inside the folder that the source reads, data"):
        tokenry.encode(moody)


def test_link_back_into_the_source_multiplies_nothing(moody, catalog):
    (catalog / "self").symlink_to(catalog)
    assert tokenry.encode(moody).rows_out == 1000


def test_memory_sink_keeps_the_tokens(moody, capsys):
    moody["sink"] = {"name": "arrow"}
    moody["engine"] = {"name": "local", "workers": 2}
    summary = tokenry.encode(moody)
    assert summary.sink.table().num_rows == 1000
    with open("run.json", "w") as file:
        json.dump(moody, file)
    assert main(["encode", "run.json"]) == 2
    assert "keeps the tokens in memory" in capsys.readouterr().err


def test_training_names_the_fragment_whose_rows_have_no_id(run, catalog):
    rewrite(catalog / "part1.parquet", id={3: None})
    summary = tokenry.train(run)
    assert summary.exit_code == 1
    assert summary.quarantine[0].startswith("part1@0: 1 ids are null")


def test_training_on_nothing_readable_says_why(run, catalog):
    for path in catalog.glob("*.parquet"):
        rewrite(path, id={3: None, 150: None, 249: None})
    with pytest.raises(DataError, match="none of 12 fragments can be trained on: part0@0: 1 ids"):
        tokenry.train(run)


@pytest.mark.parametrize("dtype", ["uint64", "int8", "uint32"])
def test_ids_of_every_width_survive_every_sink(place, dtype):
    ids = np.array([1, np.iinfo(dtype).max], dtype)
    table = pa.table({"id": ids, "x": [1, 2]})
    for sink in ("parquet", "npz"):
        run = {
            "source": {"name": "arrow", "data": table},
            "tokenizers": {"moody": {}},
            "engine": {"name": "local", "mode": "serial"},
            "sink": {"name": sink, "path": sink},
        }
        tokenry.encode(run)
        found = tokenry.open_tokens(sink).load()["ids"]
        assert found.dtype == dtype
        assert found.tolist() == ids.tolist()


def test_overwrite_follows_no_link(moody, place):
    tokenry.encode(moody)
    (place / "precious").mkdir()
    (place / "precious" / "thesis.tex").write_text("x")
    (place / "tokens" / "link").symlink_to(place / "precious")
    tokenry.encode(moody, overwrite=True)
    assert (place / "precious" / "thesis.tex").read_text() == "x"


@pytest.mark.parametrize(
    "edit",
    [
        lambda lines: lines[1:],
        lambda lines: [lines[0], "[]"],
        lambda lines: [lines[0], '{"stem": "part-000000"}'],
        lambda lines: ["nonsense", *lines],
    ],
    ids=["no-identity", "list", "half", "nonsense"],
)
def test_journal_edited_by_hand_is_refused(moody, place, edit):
    tokenry.encode(moody)
    journal = place / "tokens" / "journal.jsonl"
    journal.write_text("\n".join(edit(journal.read_text().splitlines())) + "\n")
    with pytest.raises(DataError, match="journal.jsonl is damaged"):
        tokenry.encode(moody)
    assert tokenry.encode(moody, overwrite=True).rows_out == 1000


@pytest.mark.parametrize("text", ["{}", "[]", "{", "3"])
def test_manifest_edited_by_hand_is_refused(moody, place, text):
    tokenry.encode(moody)
    (place / "tokens" / "manifest.json").write_text(text)
    with pytest.raises(DataError, match="manifest.json is damaged"):
        tokenry.open_tokens("tokens")


def test_sink_that_is_a_file_is_no_traceback(moody, place, capsys):
    (place / "file").write_text("")
    moody["sink"]["path"] = "file"
    (place / "run.json").write_text(json.dumps(moody))
    assert main(["encode", "run.json"]) == 1
    assert "file" in capsys.readouterr().err


def test_run_without_rows_can_be_opened(moody):
    moody["source"]["where"] = "x > 1000"
    tokenry.encode(moody)
    tokens = tokenry.open_tokens("tokens")
    assert tokens.table().num_rows == tokens.load().rows == 0


def end_at(item):
    if item == 2:
        time.sleep(0.3)
        os._exit(3)
    return item


@pytest.mark.slow
def test_worker_lost_while_nobody_looks_takes_only_its_item():
    engine = LocalEngine(workers=2)
    assert dict(engine.map(abs, [1, 2, 3])) == {1: 1, 2: 2, 3: 3}
    found = {}
    for item, outcome in engine.map(end_at, range(8)):
        found[item] = outcome
        time.sleep(0.2)  # as long as a commit takes
    assert isinstance(found.pop(2), Died)
    assert found == {item: item for item in (0, 1, 3, 4, 5, 6, 7)}


INTERRUPTED = """
import concurrent.futures as futures, time
from tokenry.runs import LocalEngine

def interrupt(*args, **kwargs):
    raise KeyboardInterrupt  # a signal just after a submit

if __name__ == "__main__":
    engine = LocalEngine(workers=2)
    list(engine.map(abs, range(50)))
    wait = futures.wait
    for _ in range(5):
        futures.wait = interrupt
        try:
            list(engine.map(time.sleep, [0.2] * 30))
        except KeyboardInterrupt:
            pass
        futures.wait = wait
    print("went on")
"""


@pytest.mark.slow
def test_interrupted_pool_never_hangs(place):
    (place / "interrupted.py").write_text(INTERRUPTED)
    command = [sys.executable, "interrupted.py"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90)
    assert done.stdout == "went on\n", done.stderr


def test_second_row_of_one_id_never_replaces_the_file_of_the_first(moody, place, catalog):
    for name in ("part2", "part3"):
        (catalog / f"{name}.parquet").unlink()
    rewrite(catalog / "part0.parquet", id=[f"r{i}" for i in range(250)])
    rewrite(catalog / "part1.parquet", id=[f"s{i}" for i in range(249)] + ["r7"])
    moody["sink"] = {"name": "npy", "path": "npy", "field": "moody_tokens"}
    summary = tokenry.encode(moody)
    assert (summary.rows_out, summary.quarantined_fragments) == (450, 1)
    assert "r7.npy belongs to part-000000 already" in summary.quarantine[0]
    assert len(list((place / "npy").glob("*.npy"))) == 450
    assert not list((place / "npy").glob("*.partial"))
