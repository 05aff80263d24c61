"""`tokenry inspect FILE`: what a tokenizer file or a token shard holds."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tokenry_core.errors import ConfigError

__all__ = ["main"]


def main(argv: Sequence[str]) -> int:
    """Print manifest, fingerprint and shapes; no plugin is needed for it."""
    parser = argparse.ArgumentParser(
        "tokenry inspect", description="Show what a tokenizer file or a token shard holds."
    )
    parser.add_argument("file", type=Path, help="NAME.safetensors or NAME.parquet")
    parser.add_argument("--json", action="store_true", help="as JSON")
    args = parser.parse_args(argv)
    found = _reader(args.file)(args.file)
    print(json.dumps(found, indent=2) if args.json else "\n".join(_lines(found)))
    return 0


def _reader(path: Path) -> Callable[[Path], dict[str, Any]]:
    """Choose by the file's name, or where that says nothing, by how it begins."""
    readers = {".safetensors": _artifact, ".parquet": _shard}
    if path.suffix in readers:
        return readers[path.suffix]
    if path.is_dir():
        raise ConfigError(f'"{path}" is a folder; for one of tokens, try `tokenry report {path}`')
    if path.is_file():
        with path.open("rb") as file:
            start = file.read(9)
        if start.startswith(b"PAR1"):
            return _shard
        if start.endswith(b"{"):  # the length of a header of JSON, in eight bytes
            return _artifact
    raise ConfigError(f'"{path}": allowed are files ending in {", ".join(readers)}')


def _artifact(path: Path) -> dict[str, Any]:
    from tokenry_core import read_artifact

    header, state = read_artifact(path)
    tensors = {name: f"{array.dtype} {list(array.shape)}" for name, array in state.items()}
    return {"kind": "tokenizer", **asdict(header), "tensors": tensors}


def _shard(path: Path) -> dict[str, Any]:
    import pyarrow.parquet as pq

    from tokenry_core import read_provenance

    provenance = read_provenance(path)
    file = pq.read_metadata(path)
    columns = {field.name: str(field.type) for field in file.schema.to_arrow_schema()}
    return {"kind": "token shard", "rows": file.num_rows, "columns": columns, **provenance}


def _lines(found: Mapping[str, Any], indent: str = "") -> list[str]:
    lines: list[str] = []
    for key, value in found.items():
        if isinstance(value, Mapping):
            lines += [f"{indent}{key}:", *_lines(value, indent + "  ")]
        else:
            lines.append(f"{indent}{key}: {value if isinstance(value, str) else json.dumps(value)}")
    return lines
