"""`tokenry bench`: what applies is run, the rest is said."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tokenry.cli import main

ROOT = Path(__file__).resolve().parent.parent
TIMED = """
from tokenry_benchmarks import Figure, Row, report
row = Row("adding", "sum", 0.5, "a loop", 2.0, target=">= 3x")
report("sums", [row, Figure("quality", "ours", 25.4, "theirs", 25.0, "dB")])
"""


@pytest.fixture
def folder(tmp_path):
    for name, text in {
        "sums/bench_add.py": TIMED,
        "sums/bench_absent.py": "import a_module_that_nobody_has",
        "wrong/bench_wrong.py": "assert 1 == 2, 'ours and the peer differ'",
        "wrong/bench_silent.py": "",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_one_table_has_ours_the_peer_and_how_they_compare(folder, capsys):
    assert main(["bench", "--folder", str(folder), "sums"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["job", "ours", "peer"]
    (timed,) = [line.split("  ") for line in lines if line.startswith("adding")]
    assert [cell.strip() for cell in timed if cell] == [
        *("adding", "sum", "a loop", "500 ms", "2 s", "4x", ">= 3x", "yes")
    ]
    assert any("25.4 dB" in line and "+0.4" in line for line in lines)


def test_what_is_not_installed_is_left_out_with_its_reason(folder, capsys):
    assert main(["bench", "--folder", str(folder), "sums"]) == 0
    assert "needs the module 'a_module_that_nobody_has'" in capsys.readouterr().out


def test_a_benchmark_that_fails_is_told_and_decides_the_exit_code(folder, capsys):
    assert main(["bench", "--folder", str(folder), "wrong"]) == 1
    out = capsys.readouterr().out
    assert "ours and the peer differ" in out
    assert "printed no table" in out


def test_json_is_all_that_is_printed(folder, capsys):
    main(["bench", "--folder", str(folder), "--json", "-", "sums"])
    tables = json.loads(capsys.readouterr().out)
    assert [table["benchmark"] for table in tables] == ["sums: absent", "sums"]
    assert tables[1]["rows"][0]["peer_seconds"] == 2.0


def test_a_page_is_written_in_markdown(folder, tmp_path, capsys):
    main(["bench", "--folder", str(folder), "--page", str(tmp_path / "page.md"), "sums"])
    page = (tmp_path / "page.md").read_text()
    assert "## sums\n" in page
    assert "| adding | sum | a loop | 500 ms | 2 s | 4x | >= 3x | yes |" in page


def test_unknown_topic_lists_the_nearest_match(folder, capsys):
    assert main(["bench", "--folder", str(folder), "sum"]) == 2
    assert 'Did you mean "sums"?' in capsys.readouterr().err


def test_a_benchmark_that_does_not_end_is_cut_off(tmp_path, capsys):
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow" / "bench_slow.py").write_text("import time; time.sleep(60)")
    assert main(["bench", "--folder", str(tmp_path), "--limit", "0.5"]) == 1
    assert "did not end within 0.5 s" in capsys.readouterr().out


@pytest.mark.slow
def test_the_real_ones_run_from_the_command(capsys):
    assert main(["bench", "startup", "--quick", "--json", "-"]) == 0
    (table,) = json.loads(capsys.readouterr().out)
    assert all(row["checked"] for row in table["rows"])


@pytest.mark.slow
def test_the_wheel_brings_every_benchmark(tmp_path):
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(tmp_path)]
    source = ROOT / "tests" / "benchmarks"
    subprocess.run([*command, str(source)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    scripts = [script.relative_to(source).as_posix() for script in source.glob("*/bench_*.py")]
    assert scripts
    assert {f"tokenry_benchmarks/topics/{script}" for script in scripts} <= inside
