"""The journal of a run: one line for each finished fragment, never rewritten."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tokenry_core.errors import DataError

from ._task import BadRow, FragmentResult

__all__ = ["JOURNAL", "Journal", "read_journal"]

JOURNAL = "journal.jsonl"


class Journal:
    """Appends lines that are on the disk when `add` returns.

    The first line says which run it is: `start` writes it, `read_journal` gives it back.
    """

    def __init__(self, folder: Path) -> None:
        # Without a buffer, a full disk shows where a line is written, and not again at the end.
        self._file = open(folder / JOURNAL, "a+b", buffering=0)  # noqa: SIM115  (closed by close)
        self._mend()

    def start(self, identity: Mapping[str, Any]) -> None:
        """Write which run this is."""
        self._append({"run": identity})

    def add(self, result: FragmentResult) -> None:
        """Write that a fragment is done, and what became of it."""
        record = asdict(result)
        del record["partial"]
        self._append(record)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _append(self, record: Mapping[str, Any]) -> None:
        line = json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        while line:
            line = line[self._file.write(line) :]
        os.fsync(self._file.fileno())

    def _mend(self) -> None:
        """Cut off a last line that a killed run wrote only in part."""
        self._file.seek(0)
        data = self._file.read()
        whole = data.rfind(b"\n") + 1
        if whole != len(data):
            self._file.truncate(whole)


def read_journal(folder: Path) -> tuple[Mapping[str, Any] | None, dict[str, FragmentResult]]:
    """Give which run the folder belongs to, and its finished fragments by stem."""
    try:
        lines = (folder / JOURNAL).read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return None, {}
    try:
        records = [json.loads(line) for line in lines]
        results = [_result(record) for record in records[1:]]
        identity = records[0]["run"] if records else None
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{folder / JOURNAL} is damaged ({error}); encode into another folder, or use"
            " --overwrite to start anew"
        ) from None
    return identity, {result.stem: result for result in results}


def _result(record: Mapping[str, Any]) -> FragmentResult:
    bad = [BadRow(**row) for row in record["bad"]]
    missing = [BadRow(**row) for row in record["missing"]]
    files = [(name, size) for name, size in record["files"]]
    return FragmentResult(**{**record, "bad": bad, "missing": missing, "files": files})
