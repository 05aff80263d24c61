import os
import pty
import subprocess
import sys

from tokenry.runs import _progress
from tokenry.runs._progress import Progress


def test_lines_come_now_and_then_where_there_is_no_terminal(capsys, monkeypatch):
    monkeypatch.setattr(_progress, "_SECONDS_BETWEEN_LINES", -1.0)
    with Progress("encode", 3, show=True) as bar:
        bar.advance(1, 1000, 2_000_000)
        bar.advance(1, 1000, 2_000_000)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("encode: 1/3 fragments, 1,000 rows, ")
    assert lines[1].startswith("encode: 2/3 fragments, 2,000 rows, ")
    assert lines[1].endswith(" rows/s, 4.0 MB")


def test_nothing_is_shown_when_quiet(capsys, monkeypatch):
    monkeypatch.setattr(_progress, "_SECONDS_BETWEEN_LINES", -1.0)
    with Progress("encode", 3, show=False) as bar:
        bar.advance(1, 1000)
    assert capsys.readouterr().err == ""


def test_a_terminal_shows_a_bar():
    code = (
        "import time; from tokenry.runs._progress import Progress\n"
        "with Progress('encode', 2, show=True) as bar:\n"
        "    bar.advance(2, 1000); time.sleep(0.3)"
    )
    ours, theirs = pty.openpty()
    env = os.environ | {"TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen([sys.executable, "-c", code], stderr=theirs, env=env)
    os.close(theirs)
    shown = b""
    while True:
        try:
            chunk = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        shown += chunk
    os.close(ours)
    assert process.wait(60) == 0
    assert "encode" in shown.decode()
    assert "2/2" in shown.decode()


def test_training_loops_tell_how_far_they_are(capsys, monkeypatch):
    monkeypatch.setattr(_progress, "_SECONDS_BETWEEN_LINES", -1.0)
    with Progress("train image", None, show=True) as bar:
        bar.note("step", {"step": 100, "loss": 0.123456, "curve": [1, 2]})
    assert capsys.readouterr().err == "train image: step: step 100, loss 0.1235\n"
