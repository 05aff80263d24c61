"""What `tokenry new-plugin` writes passes its own tests, ruff and mypy, unchanged."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tokenry.cli import main

ROOT = Path(__file__).resolve().parent.parent


def run(folder: Path, *command: str) -> None:
    env = os.environ | {"PYTHONPATH": str(folder / "src"), "MYPYPATH": str(folder / "src")}
    command = (sys.executable, "-m", *command)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=env, timeout=300)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("tokenizer", "x"),
        ("tokenizer", "very-long.light_curve-2"),
        ("tokenizer", "tokenry-light-curve"),
        ("source", "very-long.light_curve-2"),
        ("model", "very-long.light_curve-2"),
        ("sink", "very-long.light_curve-2"),
        ("engine", "very-long.light_curve-2"),
    ],
)
def test_new_plugin_passes_its_own_checks(tmp_path, kind, name):
    assert main(["new-plugin", name, "--kind", kind, "--directory", str(tmp_path)]) == 0
    folder = tmp_path / name
    run(folder, "pytest", "-q", "-p", "no:cacheprovider")
    run(folder, "ruff", "check", "--no-cache", ".")
    run(folder, "ruff", "format", "--check", "--no-cache", ".")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["tokenizer", "source", "model", "sink", "engine"])
def test_new_plugin_is_strictly_typed(tmp_path, kind):
    assert main(["new-plugin", "light-curve", "--kind", kind, "--directory", str(tmp_path)]) == 0
    run(tmp_path / "light-curve", "mypy", "--cache-dir", str(ROOT / ".mypy_cache"))


def test_a_distribution_named_after_tokenry_provides_the_rest_of_its_name(tmp_path, capsys):
    assert main(["new-plugin", "tokenry-light-curve", "--directory", str(tmp_path)]) == 0
    assert "tokenry describe light-curve" in capsys.readouterr().out
    metadata = (tmp_path / "tokenry-light-curve" / "pyproject.toml").read_text()
    assert 'name = "tokenry-light-curve"' in metadata
    assert '"light-curve" = "tokenry_light_curve:LightCurve"' in metadata


@pytest.mark.parametrize("name", ["Light", "1st", "a b", "ünique", "", "class", "../x"])
def test_impossible_name_is_refused(tmp_path, name, capsys):
    assert main(["new-plugin", name, "--directory", str(tmp_path)]) == 2
    assert "cannot be a plugin's name" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_taken_name_is_refused(tmp_path, capsys):
    assert main(["new-plugin", "scalar", "--directory", str(tmp_path)]) == 2
    assert "is taken: tokenry-scalar" in capsys.readouterr().err


def test_existing_folder_is_left_alone(tmp_path, capsys):
    (tmp_path / "light").mkdir()
    assert main(["new-plugin", "light", "--directory", str(tmp_path)]) == 2
    assert "exists already" in capsys.readouterr().err
