import json
import subprocess
import sys

import numpy as np
import pytest

from tokenry.cli import main
from tokenry_core.errors import BrokenPlugin


def test_no_command_shows_help_and_is_wrong(capsys):
    assert main([]) == 2
    assert "commands:" in capsys.readouterr().out
    assert main(["--help"]) == 0


def test_version_is_told(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == "tokenry 0.1.0\n"


def test_unknown_command_names_the_nearest(capsys):
    assert main(["encod", "x"]) == 2
    assert 'there is no command "encod"' in capsys.readouterr().err


def test_error_is_one_message_and_debug_a_traceback(capsys):
    assert main(["describe", "scalr"]) == 2
    assert "Traceback" not in capsys.readouterr().err
    from tokenry_core.errors import UnknownName

    with pytest.raises(UnknownName):
        main(["--debug", "describe", "scalr"])


def test_list_shows_kinds_names_and_distributions(capsys):
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    assert "sources\n" in out
    assert "parquet" in out
    assert "tokenry-core 0.1.0" in out


def test_list_as_json_is_for_programs(capsys):
    assert main(["list", "sources", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["sources"]
    assert "parquet" in [row["name"] for row in found["sources"]]


def test_describe_shows_options_with_their_documentation(capsys):
    assert main(["describe", "parquet", "--kind", "sources"]) == 0
    out = capsys.readouterr().out
    assert "fragment_bytes: a whole number of at least 1; default 67108864" in out
    assert main(["describe", "parquet", "--kind", "sources", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert [option["name"] for option in found["options"]][:2] == ["path", "id"]


def test_describe_of_a_package_of_ours_says_what_to_install(monkeypatch, capsys):
    from tokenry_core import _known

    monkeypatch.setitem(_known._PROVIDES["tokenry.engines"], "slurm", "tokenry-slurm")
    assert main(["describe", "slurm"]) == 2
    assert "pip install tokenry-slurm" in capsys.readouterr().err


def test_schema_is_json(capsys):
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Tokenry run file"


def test_doctor_imports_everything(capsys):
    assert main(["doctor", "--json"]) == 0
    findings = json.loads(capsys.readouterr().out)
    assert not [finding for finding in findings if finding["problem"]]


def test_doctor_makes_every_tokenizer(capsys):
    assert main(["doctor", "--json"]) == 0
    findings = json.loads(capsys.readouterr().out)
    made = {one["name"]: one["made"] for one in findings if one["kind"] == "tokenizers"}
    assert all(made.values())
    assert (made["scalar"], made["spectrum"], made["image"]) == ("to be trained",) * 3
    assert (made["dino-patch"], made["patch2d"]) == ("ready", "asks for shape")


def test_doctor_names_a_tokenizer_that_cannot_be_made():
    from tokenry.cli._doctor import _make

    with pytest.raises(BrokenPlugin, match="cannot be made: AttributeError: .*Config"):
        _make(object)


@pytest.fixture
def artifact(tmp_path):
    from tokenry_scalar import ScalarTokenizer

    rows = {"id": np.arange(100), "g": np.linspace(0, 1, 100)}
    tokenizer = ScalarTokenizer(n_bins=4, scalar_columns=["g"], apply_row_filter=False)
    return tokenizer.train(rows).save(tmp_path / "g.safetensors")


def test_inspect_shows_an_artifact(artifact, capsys):
    assert main(["inspect", str(artifact)]) == 0
    out = capsys.readouterr().out
    assert "plugin: scalar" in out
    assert "fingerprint: " in out
    assert main(["inspect", str(artifact), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["config"]["n_bins"] == 4


def test_inspect_knows_a_file_whatever_its_name_ends_in(artifact, tmp_path, capsys):
    assert main(["inspect", str(artifact.rename(tmp_path / "model"))]) == 0
    assert "plugin: scalar" in capsys.readouterr().out
    assert main(["inspect", str(tmp_path)]) == 2
    assert "is a folder" in capsys.readouterr().err


def test_inspect_refuses_what_is_damaged(artifact, capsys):
    data = bytearray(artifact.read_bytes())
    data[-1] ^= 1
    artifact.write_bytes(data)
    assert main(["inspect", str(artifact)]) == 1
    assert "digest" in capsys.readouterr().err


def test_inspect_of_another_kind_of_file_says_what_is_allowed(tmp_path, capsys):
    assert main(["inspect", str(tmp_path / "x.csv")]) == 2
    assert "allowed are files ending in .safetensors, .parquet" in capsys.readouterr().err


def test_convert_refuses_what_reads_no_older_files(tmp_path, capsys):
    out = str(tmp_path / "x.safetensors")
    assert main(["convert", "old.npz", out, "--plugin", "patch2d"]) == 2
    assert "reads no older files" in capsys.readouterr().err


def test_pipe_that_closes_early_is_no_error():
    command = f"{sys.executable} -m tokenry list | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("tokenizers\n", "")


def test_commands_of_plugins_are_called_with_their_arguments(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["dino", "--help"])
    assert ended.value.code == 0
    assert "assign-buckets" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["inspect", "none.parquet"], "none.parquet: cannot be read as Parquet: No such file"),
        (["inspect", "text.parquet"], "text.parquet: cannot be read as Parquet"),
        (["inspect", "text.safetensors"], "text.safetensors: it is truncated, or no safetensors"),
        (["convert", "text.npz", "new.safetensors", "--plugin", "scalar"], "older scripts wrote"),
        (["convert", "a.safetensors", "b.safetensors", "--plugin", "scalar"], "artifact already"),
        (["report", "none"], "holds no finished run"),
        (["train", "none.yaml"], '"none.yaml" cannot be read: No such file'),
        (["train", "."], "allowed are files ending in .yaml"),
        (["new-plugin", "class"], "no word of Python"),
    ],
    ids=lambda value: "-".join(value[:2]) if isinstance(value, list) else None,
)
def test_file_that_does_not_fit_is_one_line_that_says_so(
    tmp_path, monkeypatch, capsys, command, message
):
    monkeypatch.chdir(tmp_path)
    for name in ("text.parquet", "text.safetensors", "text.npz"):
        (tmp_path / name).write_text("just some text")
    assert main(command) in (1, 2)
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_mistake_of_a_plugin_is_told_as_one(monkeypatch, capsys):
    def broken(argv):
        raise KeyError("x")

    monkeypatch.setattr("tokenry.cli._list.main", broken)
    assert main(["list"]) == 1
    assert "KeyError: 'x'\nThis is a mistake in Tokenry or in a plugin" in capsys.readouterr().err
    with pytest.raises(KeyError):
        main(["--debug", "list"])


def test_memory_that_is_not_there_is_told(monkeypatch, capsys):
    def hungry(argv):
        raise MemoryError("Unable to allocate 8.00 TiB")

    monkeypatch.setattr("tokenry.cli._list.main", hungry)
    assert main(["list"]) == 1
    assert "not enough memory: Unable to allocate 8.00 TiB" in capsys.readouterr().err
