"""Run a run file and kill this very process at a named point, the N-th time it is reached.

python killed_run.py run.json POINT N
"""

import functools
import json
import os
import signal
import sys

import tokenry
from tokenry.runs import _commit, _encode, _journal, _task
from tokenry_core import ParquetSink

POINTS = {
    "write": (ParquetSink, "write"),
    "fsync": (_task, "_sync"),
    "commit": (_encode, "commit"),
    "rename": (_commit.os, "replace"),
    "journal": (_journal.Journal, "add"),
    "manifest": (_encode, "write_manifest"),
}


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def kill_at(point: str, count: int) -> None:
    if point == "within-journal":
        owner, name = _journal.Journal, "_append"
    else:
        when, what = point.split("-")
        owner, name = POINTS[what]
    original = getattr(owner, name)
    calls = [0]

    @functools.wraps(original)
    def wrapped(*args, **kwargs):
        calls[0] += 1
        if calls[0] != count:
            return original(*args, **kwargs)
        if point == "within-journal":
            journal, record = args
            line = json.dumps(record).encode()
            journal._file.write(line[: len(line) // 2])
        elif when == "after":
            original(*args, **kwargs)
        return die()

    setattr(owner, name, wrapped)


if __name__ == "__main__":
    run, point, count = sys.argv[1:]
    kill_at(point, int(count))
    with open(run) as file:
        tokenry.encode(json.load(file))
