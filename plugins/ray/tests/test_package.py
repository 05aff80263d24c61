"""What the package asks for, and what happens without it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from distributions import closure

ROOT = Path(__file__).resolve().parents[3]
SITE = next(Path(path) for path in sys.path if path.endswith("site-packages"))


def test_tokenry_alone_never_pulls_ray():
    assert "ray" in closure(["tokenry-ray"])
    assert not {"ray", "tokenry-ray"} & closure(["tokenry"])


def python(*args, **env):
    command = [sys.executable, *args]
    env = {**os.environ, **env}
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)


def test_import_and_listing_leave_ray_alone():
    program = (
        "import sys, tokenry, tokenry_ray; assert 'ray' in list(tokenry.engines);"
        "assert 'ray' not in sys.modules; tokenry_ray.RayConfig; assert 'ray' not in sys.modules"
    )
    done = python("-c", program)
    assert done.returncode == 0, done.stderr


def test_run_file_without_the_package_says_what_to_install(tmp_path):
    farm = tmp_path / "site-packages"
    farm.mkdir()
    for entry in SITE.iterdir():
        if not entry.name.startswith("tokenry_ray") and entry.suffix != ".pth":
            (farm / entry.name).symlink_to(entry)
    run = tmp_path / "run.yaml"
    run.write_text("engine: ray\ntokenizers: {moody: {}}\nsink: {name: parquet, path: x}\n")
    path = [ROOT / "core/src", ROOT / "registry/src", ROOT / "tests/fixtures/plugins", farm]
    places = {"PYTHONPATH": os.pathsep.join(map(str, path)), "TOKENRY_CACHE_DIR": str(tmp_path)}
    done = python("-S", "-m", "tokenry", "encode", str(run), **places)
    assert done.returncode == 2
    assert "pip install tokenry-ray" in done.stderr


@pytest.mark.parametrize("name", ["estimate", "map_batches", "read_tokens", "RayEngine"])
def test_public_names_are_documented(name):
    import tokenry_ray

    assert name in tokenry_ray.__all__
    assert getattr(tokenry_ray, name).__doc__
