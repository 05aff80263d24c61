"""The audio example: a package of its own, from its wheel to spectrograms in a report."""

import json
import re
import sys
from pathlib import Path

import pytest
from packages import ROOT, build, install, run

EXAMPLE = ROOT / "examples" / "audio_plugin"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """A folder that holds the installed plugin, and nothing of this clone."""
    folder = tmp_path_factory.mktemp("site")
    install(build(EXAMPLE, tmp_path_factory.mktemp("wheels")), folder)
    return folder


@pytest.fixture(scope="module")
def shown(site, tmp_path_factory) -> tuple[str, Path]:
    """What the demo prints, and the folder that it fills."""
    folder = tmp_path_factory.mktemp("demo")
    out = run(sys.executable, EXAMPLE / "demo.py", "--clips", 40, cwd=folder, site=site)
    return out, folder / "audio-demo"


def test_plugin_is_listed_described_and_without_problems(site):
    listed = json.loads(run("tokenry", "list", "tokenizers", "--json", site=site))["tokenizers"]
    assert ("audio", "tokenry-audio") in [(row["name"], row["distribution"]) for row in listed]
    assert "samples a second" in run("tokenry", "describe", "audio", site=site)
    assert "0 with problems" in run("tokenry", "doctor", site=site)


def test_its_own_tests_pass_as_installed(site):
    out = run(
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=EXAMPLE, site=site
    )
    assert re.search(r"\b\d\d passed", out), out


def test_demo_trains_encodes_and_reports(shown):
    out, folder = shown
    assert "$ tokenry train" in out
    assert "160 rows encoded into tokens (160 read, 0 filtered, 0 quarantined)" in out
    assert len(list((folder / "tokens").glob("part-*.parquet"))) > 1


def test_tokens_tell_the_kinds_of_sound_apart(shown):
    (percent,) = re.findall(r"of the same kind in (\d+)%", shown[0])
    assert int(percent) >= 80  # by chance 25


def test_demo_draws_a_clip_beside_what_its_tokens_say(shown):
    out, _ = shown
    drawings = re.findall(r"A bird, ([a-z ]+):\n((?:[ .:\-=+*#%@]+\n)+)", out)
    assert [title for title, _ in drawings] == ["original", "from its tokens"]
    original, decoded = (drawing.splitlines() for _, drawing in drawings)
    assert list(map(len, original)) == list(map(len, decoded))
    agree = sum(
        a == b for x, y in zip(original, decoded, strict=True) for a, b in zip(x, y, strict=True)
    )
    assert agree > 0.4 * sum(map(len, original))


def test_report_shows_clips_and_what_is_missing(shown):
    page = (shown[1] / "tokens" / "report.html").read_text(encoding="utf-8")
    assert page.count("<b>Clip ") == 6
    assert page.count("off by") == 6
    assert "could not be shown" not in page


def test_the_codebook_does_not_depend_on_how_the_data_was_divided(site, shown):
    code = (
        "import tokenry\n"
        "from tokenry_core import open_source\n"
        "run = tokenry.load('artifacts/audio.safetensors')\n"
        "whole = open_source('sounds/*.parquet', id='clip')\n"
        "alone = type(run)(run.config).train(whole)\n"
        "assert alone.fingerprint == run.fingerprint, (alone, run)\n"
    )
    run(sys.executable, "-c", code, cwd=shown[1], site=site)
