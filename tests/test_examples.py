"""The examples do what their pages say: each is run as a user runs it, only shorter."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"

pytestmark = pytest.mark.slow


def run(script: str, folder: Path, *arguments: str) -> str:
    """Run a script of the examples in a folder of its own; gives what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / script, *arguments],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def numbers(pattern: str, text: str) -> list[float]:
    """Give the numbers that a pattern's groups find."""
    return [float(found) for match in re.finditer(pattern, text) for found in match.groups()]


def is_picture(path: Path) -> bool:
    """Whether a PNG that is worth looking at is there."""
    return path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 10_000


def test_contrastive_patches_find_their_partner(tmp_path):
    out = run("contrastive_patches/train.py", tmp_path, "--images", "64", "--epochs", "2")
    loss = numbers(r"loss ([\d.]+),", out)
    assert loss == sorted(loss, reverse=True)
    assert loss[-1] < 0.9 * loss[0]


def test_a_joint_sequence_is_learned_across_fields(tmp_path):
    out = run("joint_sequence/train.py", tmp_path, "--galaxies", "800", "--steps", "120")
    alone, after = numbers(r"image_tokens +\d+ +([\d.]+) +([\d.]+)", out)
    assert after < 0.6 * alone
    alone, after = numbers(r"tokens_galaxy +\d+ +([\d.]+) +([\d.]+)", out)
    assert after < 0.9 * alone
    assert is_picture(tmp_path / "joint" / "completed.png")


def test_simulation_parameters_approach_the_posterior(tmp_path):
    out = run("simulation_parameters/train.py", tmp_path, "--steps", "200")
    for found, exact in [
        numbers(rf"{key} .*error ([\d.]+), .* ([\d.]+)", out) for key in ("mu", "theta")
    ]:
        assert found < 1.15 * exact
    assert "the step was traced 1 time" in out


def test_photographs_of_a_folder_become_patches_and_a_picture(tmp_path):
    out = run("dino_folder/patches.py", tmp_path)
    assert "every image has its patches" in out
    assert is_picture(tmp_path / "dino" / "patches.png")
    assert len(list((tmp_path / "dino" / "patches").glob("*.npy"))) == 6


def test_the_demo_ends_with_a_report(tmp_path):
    out = run("demo/demo.py", tmp_path)
    assert "18,228 rows encoded into tokens (20,000 read, 1,772 filtered, 0 quarantined)" in out
    assert (tmp_path / "demo" / "tokens" / "report.html").exists()


def test_every_example_is_on_the_list():
    listed = set(re.findall(r"^\| `(\w+)` \|", (EXAMPLES / "README.md").read_text(), re.M))
    assert {path.name for path in EXAMPLES.iterdir() if path.is_dir()} <= listed
