"""Run files that are wrong in any way: a message that names the place, and never a traceback."""

import copy
import json
import os
import re
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from catalogs import write_catalog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutants import SMALL, changed, damaged

from tokenry.cli import main


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a catalog, its run trained and encoded once."""
    folder = tmp_path_factory.mktemp("malformed") / "a" / "b"
    folder.mkdir(parents=True)
    with chdir(folder):
        write_catalog(folder / "data", files=2, rows=100)
        Path("data/rows.jsonl").write_text('{"id": 1, "x": 2.0}\n')
        small = copy.deepcopy(SMALL)
        del small["tokenizers"]["old"]
        Path("run.json").write_text(json.dumps(small))
        assert main(["train", "run.json", "--quiet"]) == 0
        Path("artifacts/bins.safetensors").rename("old.safetensors")
        Path("run.json").write_text(json.dumps(SMALL))
        assert main(["train", "run.json", "--quiet"]) == 0
        assert main(["encode", "run.json", "--quiet"]) == 0
    return folder


def called(*args):
    """Run a command here; give its exit code and what it said on stderr."""
    said = StringIO()
    with redirect_stderr(said), redirect_stdout(StringIO()):
        code = main([*args])
    return code, said.getvalue()


# A message without a key of ours names a line, an end, or what the whole file is.
PLACE = re.compile(
    r"\bline \d|at end of document|nested too deeply"
    r"|\b(source|training|tokenizers|artifacts|sink|engine|runtime|on_error|bad_rows|plugins|data)\b"
)


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(mutant=st.one_of(changed(), changed(), damaged()))
def test_mistake_is_one_message_that_names_its_place(home, mutant):
    with chdir(home):
        file = Path(f"run{mutant.suffix}")
        file.write_bytes(mutant.content)
        commands = (["train", str(file)], ["encode", str(file), "--overwrite"])
        for command in commands[mutant.wide :]:  # training of the wide one would work for long
            code, said = called(*command)
            assert code in (0, 1, 2), said
            assert "Traceback" not in said
            assert "mistake in Tokenry" not in said
            if code == 0:
                assert said == ""
            elif said:  # else the summary tells which fragments were quarantined
                assert said.startswith("tokenry: ")
                assert len(said) < 1500
                assert PLACE.search(said) if not mutant.places else names(said, mutant.places)


def names(said, places):
    return any(place in said for place in places)


TEN = {
    "empty": b"",
    "list": b"- source\n- tokenizers\n",
    "binary": b"source: \xff\xfe\x00",
    "tab": b"source:\n\tname: parquet\n",
    "twice": b"sink: {name: npz}\nsink: {name: npz}\n",
    "object": b"tokenizers: !!python/object/apply:os.system [touch x]\n",
    "itself": b"tokenizers: &a {range: *a}\n",
    "misspelt": b"tokenizers: {range: {colunm: y}}\n",
    "huge": b"tokenizers: {scalar: {n_bins: " + b"9" * 400 + b"}}\n",
    "absent": b"source: {name: parquet, path: none}\ntokenizers: {moody: {}}\n",
}


@pytest.mark.parametrize("content", TEN.values(), ids=TEN)
def test_command_shows_no_traceback(tmp_path, content):
    (tmp_path / "run.yaml").write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-m", "tokenry", "encode", "run.yaml"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert re.match(r"tokenry: .*(line \d|tokenizers|source)", done.stderr), done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (
            {"tokenizers": {"moody": {"column": "nope"}}},
            'tokenizers.moody: column "nope" is missing',
        ),
        ({"source": {"path": "none"}}, 'source: "none" does not exist'),
        ({"source": {"id": "nope"}}, 'source.id: column "nope" is missing'),
        ({"source": {"where": "nope > 1"}}, 'source.where: column "nope" is missing'),
        ({"source": {"where": "x < 'a'"}}, "source.where: \"x < 'a'\" does not fit the data"),
        ({"source": {"where": "y / 0 > is_null(3)"}}, 'source.where: "y / 0 > is_null(3)" has no'),
    ],
    ids=["column", "path", "id", "where-column", "where-type", "where-meaning"],
)
@pytest.mark.parametrize("command", ["train", "encode"])
def test_data_that_does_not_fit_names_the_key(home, command, change, place):
    run = {
        "source": SMALL["source"] | change.get("source", {}),
        "sink": {"name": "npz", "path": "t"},
    }
    name = {"train": "range", "encode": "moody"}[command]  # which needs no training
    run["tokenizers"] = {name: change.get("tokenizers", {}).get("moody", {"column": "y"})}
    with chdir(home):
        Path("run.json").write_text(json.dumps(run))
        code, said = called(command, "run.json")
    assert code in (1, 2)
    assert place.replace("moody", name) in said
