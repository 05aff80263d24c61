"""What a run made, of what: written at its end, sorted, without times."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tokenry_core.errors import ConfigError, DataError

from ._commit import sync_folder
from ._task import FragmentResult

__all__ = ["MANIFEST", "QUARANTINE", "compare", "read_manifest", "write_manifest"]

MANIFEST = "manifest.json"
QUARANTINE = "quarantine.jsonl"


def write_manifest(
    folder: Path, identity: Mapping[str, Any], results: Iterable[FragmentResult]
) -> None:
    """Write manifest.json and quarantine.jsonl."""
    ordered = sorted(results, key=lambda result: result.stem)
    fragments = [
        {
            "stem": result.stem,
            "fragment": result.fragment,
            "digest": result.digest,
            "files": [list(file) for file in result.files],
            "rows_in": result.rows_in,
            "rows_out": result.rows_out,
            "filtered": result.filtered,
            "quarantined": len(result.bad),
            "counts": result.counts,
            **({"failed": result.failed} if result.failed else {}),
        }
        for result in ordered
    ]
    # One fragment a line: a manifest of 100,000 fragments still opens in an editor.
    head = "".join(f"{json.dumps(k)}: {_json(v)},\n" for k, v in identity.items())
    lines = ",\n".join(map(_json, fragments))
    quarantined = [_json(line) + "\n" for result in ordered for line in _quarantined(result)]
    _write(folder / QUARANTINE, "".join(quarantined))
    _write(folder / MANIFEST, f'{{\n{head}"fragments": [\n{lines}\n]\n}}\n')


def read_manifest(folder: Path) -> dict[str, Any]:
    """Give the manifest of a finished run."""
    try:
        manifest = dict(json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        if not folder.is_dir():
            raise DataError(
                f"{folder} is no folder, and holds no finished run; give the one that"
                " `tokenry encode` wrote"
            ) from None
        raise DataError(
            f"{folder} holds no finished run: there is no {MANIFEST}; run `tokenry encode` on it"
        ) from None
    except (ValueError, TypeError) as error:
        raise DataError(f"{folder / MANIFEST} is damaged: {error}") from None
    if not {"fragments", "tokenizers"} <= set(manifest):
        raise DataError(f"{folder / MANIFEST} is damaged: it lists no fragments or tokenizers")
    return manifest


def compare(folder: Path, there: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to mix tokens of different runs in one folder, and say what differs."""
    differences = list(_differences("", there, now))
    if differences:
        more = f", and {len(differences) - 5} more" if len(differences) > 5 else ""
        raise ConfigError(
            f"{folder} holds tokens of another run: {'; '.join(differences[:5])}{more}. Encode into"
            " another folder, or start anew with --overwrite"
        )


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _quarantined(result: FragmentResult) -> list[dict[str, Any]]:
    if result.failed:
        return [{"fragment": result.fragment, "reason": result.failed}]
    dropped = [{"fragment": result.fragment, "row": b.id, "reason": b.reason} for b in result.bad]
    blank = [
        {"fragment": result.fragment, "row": b.id, "reason": b.reason, "kept": "as missing"}
        for b in result.missing
    ]
    return dropped + blank


def _differences(path: str, there: Any, now: Any) -> Iterable[str]:
    if isinstance(there, Mapping) and isinstance(now, Mapping):
        for key in sorted({*there, *now}, key=str):
            where = f"{path}.{key}" if path else str(key)
            if key not in there:
                yield f"{where} is new"
            elif key not in now:
                yield f"{where} is gone"
            else:
                yield from _differences(where, there[key], now[key])
    elif there != now:
        yield f"{path} was {there!r:.70}, now {now!r:.70}"


def _write(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".partial")
    with open(partial, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
    sync_folder(path.parent)
