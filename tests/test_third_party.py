"""A stranger's plugin: built as a wheel, installed into a fresh environment, used, removed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from packages import ROOT, build, run

EXAMPLE = ROOT / "examples" / "third_party_plugin"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def venv(tmp_path_factory) -> Path:
    """Core and registry with nothing but what they declare, and the stranger's plugin."""
    wheels = tmp_path_factory.mktemp("wheels")
    core, registry, plugin = (
        build(package, wheels) for package in (ROOT / "core", ROOT / "registry", EXAMPLE)
    )
    folder = tmp_path_factory.mktemp("fresh") / "venv"
    run(sys.executable, "-m", "venv", folder)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    run(*pip, "-c", ROOT / "constraints.txt", core, registry, f"{plugin}[test]")
    return folder


def tokenry(venv: Path, *args, cwd=None) -> str:
    return run(venv / "bin" / "tokenry", *args, cwd=cwd)


def test_plugin_is_listed_and_described(venv):
    listed = json.loads(tokenry(venv, "list", "tokenizers", "--json"))["tokenizers"]
    assert [(row["name"], row["distribution"]) for row in listed] == [
        ("categories", "tokenry-categories")
    ]
    assert "texts with an id of their own" in tokenry(venv, "describe", "categories")
    assert "0 with problems" in tokenry(venv, "doctor")


def test_plugin_trains_and_encodes_from_a_run_file(venv, tmp_path):
    make = (
        "import pyarrow as pa, pyarrow.parquet as pq;"
        "pq.write_table(pa.table({'id': [1, 2, 3], 'type': ['G2V', 'G2V', None]}), 's.parquet')"
    )
    run(venv / "bin" / "python", "-c", make, cwd=tmp_path)
    (tmp_path / "run.yaml").write_text(
        "source: {name: parquet, path: s.parquet}\n"
        "tokenizers:\n  type: {name: categories, column: type, most: 3}\n"
        "sink: {name: parquet, path: tokens}\n"
    )
    tokenry(venv, "train", "run.yaml", cwd=tmp_path)
    tokenry(venv, "encode", "run.yaml", cwd=tmp_path)
    check = (
        "import tokenry; from tokenry_categories import CategoryTokenizer\n"
        "loaded = tokenry.load('artifacts/type.safetensors')\n"
        "assert type(loaded) is CategoryTokenizer and loaded.is_fitted\n"
        "print(tokenry.open_tokens('tokens').load()['category_tokens'].tolist())"
    )
    assert run(venv / "bin" / "python", "-c", check, cwd=tmp_path).strip() == "[0, 0, 4]"


def test_plugin_passes_the_kit_in_the_fresh_environment(venv):
    out = run(venv / "bin" / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=EXAMPLE)
    assert " passed" in out


def test_plugin_is_gone_when_uninstalled(venv):
    """The last test of this file: it removes what the others use."""
    pip = [venv / "bin" / "python", "-m", "pip"]
    run(*pip, "uninstall", "-q", "-y", "tokenry-categories")
    assert json.loads(tokenry(venv, "list", "tokenizers", "--json"))["tokenizers"] == []
    done = subprocess.run(
        [str(venv / "bin" / "tokenry"), "describe", "categories"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert '"categories" is in none of the registries' in done.stderr
