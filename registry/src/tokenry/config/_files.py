"""Plain data from YAML, TOML or JSON."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokenry_core.errors import ConfigError

__all__ = ["read_file"]

_MAX_NODES = 100_000


def read_file(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Give the mapping that a configuration file holds; the suffix says its language."""
    file = Path(path).expanduser()
    readers = {".yaml": _yaml, ".yml": _yaml, ".toml": _toml, ".json": _json}
    if file.suffix.lower() not in readers:
        raise ConfigError(f'"{file}": allowed are files ending in {", ".join(readers)}')
    text = _text(file)
    try:
        data = readers[file.suffix.lower()](text)
        _check(data, "", [0], ())
        if not isinstance(data, dict):
            what = "a list" if isinstance(data, list) else json.dumps(data)
            what = "nothing" if data is None else f"{what:.60}"
            raise ConfigError(
                f"line 1: it holds {what}; a run file holds a mapping: tokenizers: ..."
            )
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from None
    return data


def _text(file: Path) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ConfigError(f'"{file}" cannot be read: {error.strerror}') from None
    except ValueError as error:  # a zero byte in the path
        raise ConfigError(f'"{file}" cannot be read: {error}') from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f'"{file}" is not text in UTF-8: line {line}') from None


def _yaml(text: str) -> Any:
    from ._yaml import parse_yaml

    return parse_yaml(text)


def _toml(text: str) -> Any:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, and a number without end
        raise ConfigError(f"not TOML: {error}") from None


def _json(text: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise ConfigError(f'the key "{twice}" stands twice in one mapping')
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"not JSON: {error}") from None


def _check(data: Any, path: str, count: list[int], parents: tuple[int, ...]) -> None:
    """Refuse what aliases make endless or huge, and keys that are no text."""
    count[0] += 1
    if id(data) in parents or len(parents) > 100:
        raise ConfigError(f"{path or 'the file'}: it contains itself, or is nested too deeply")
    if count[0] > _MAX_NODES:
        raise ConfigError(f"it has more than {_MAX_NODES} values; a run file is small")
    if isinstance(data, Mapping):
        for key, value in data.items():
            if not isinstance(key, str):
                raise ConfigError(f"{path or 'top level'}: the key {key!r} is no text; quote it")
            _check(value, f"{path}.{key}".lstrip("."), count, (*parents, id(data)))
    elif isinstance(data, list):
        for i, value in enumerate(data):
            _check(value, f"{path}[{i}]", count, (*parents, id(data)))
