"""What a report needs beyond the manifest: when and where a run ran, and what it ran on.

`run.json` stands beside the manifest and, other than it, holds times and paths. `KEY.training.json`
stands beside an artifact and holds the token counts of the data it was trained on, for drift.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from tokenry_core import BaseTokenizer, DataSource, __version__
from tokenry_core._config import plain
from tokenry_core.errors import DataError

from ..config import RunConfig
from ._histograms import count_tokens, histograms
from ._summary import EncodeSummary
from ._task import encode_good
from ._tokenizers import TokenizerRef

__all__ = ["read_record", "read_reference", "write_record", "write_reference"]

RECORD = "run.json"
_REFERENCE_ROWS = 1 << 18


def write_record(
    folder: Path, config: RunConfig, refs: Sequence[TokenizerRef], summary: EncodeSummary
) -> None:
    """Write what ran, on what, how long; every session of a run adds one entry."""
    sessions = read_record(folder).get("sessions", [])
    session = {
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(summary.seconds, 3),
        "fragments": summary.fragments - summary.finished_before,
        "python": platform.python_version(),
        "machine": platform.platform(),
        "tokenry": __version__,
    }
    artifacts = {ref.key: ref.artifact for ref in refs if ref.artifact}
    record = {
        "config": plain(config.raw),
        "artifacts": artifacts,
        "sessions": [*sessions, session],
    }
    # A run from Python may hold a table; its kind is enough for a record.
    text = json.dumps(record, indent=1, default=lambda value: f"<{type(value).__name__}>")
    (folder / RECORD).write_text(text, encoding="utf-8")


def read_record(folder: Path) -> dict[str, Any]:
    """Give what `write_record` wrote; empty where there is none, or where it is damaged."""
    return _read(folder / RECORD)


def write_reference(path: Path, tokenizer: BaseTokenizer[Any], source: DataSource) -> None:
    """Write the token counts of a part of the training data, beside the artifact."""
    columns = tokenizer.columns(source.schema)
    rows = 0
    batches = []
    for fragment in source.fragments():
        try:
            for batch in islice(fragment.read(columns, 1 << 14), 4):
                batches.append(encode_good(tokenizer, batch)[0])
                rows += batch.num_rows
        except DataError:
            continue  # training has named the fragment already
        if rows >= _REFERENCE_ROWS:
            break
    reference = {
        "fingerprint": tokenizer.fingerprint,
        "rows": rows,
        "histograms": histograms(count_tokens(batches)),
    }
    path.with_suffix(".training.json").write_text(json.dumps(reference), encoding="utf-8")


def read_reference(artifact: Path, fingerprint: str) -> Mapping[str, list[int]]:
    """Give the counts that belong to this very tokenizer, or nothing."""
    reference = _read(artifact.with_suffix(".training.json"))
    if reference.get("fingerprint") != fingerprint:
        return {}
    return dict(reference["histograms"])


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}
