"""One way from what users have to a source."""

from __future__ import annotations

import os
from typing import Any

from ._protocols import DataSource
from ._source_arrow import ArrowSource
from ._source_jsonl import JsonlSource
from ._source_parquet import ParquetSource
from .errors import DataError

__all__ = ["open_source"]

_TABLES = (".parquet", ".pq", ".parq")


def open_source(data: Any, *, id: str | None = None) -> DataSource:  # noqa: A002
    """Give a source for a path, glob, list of paths, table, DataFrame, dict, or source.

    >>> open_source({"id": [1], "g": [0.5]}).schema.names
    ['id', 'g']
    """
    if isinstance(data, DataSource):
        return data
    if isinstance(data, str | os.PathLike):
        return _from_paths((os.fspath(data),), id)
    if isinstance(data, list | tuple) and all(isinstance(p, str | os.PathLike) for p in data):
        if not data:
            raise DataError("an empty list of paths was given; give at least one file")
        return _from_paths(tuple(os.fspath(path) for path in data), id)
    return ArrowSource(data, id=id)


def _from_paths(paths: tuple[str, ...], id_col: str | None) -> DataSource:
    if all(path.lower().endswith(".jsonl") for path in paths):
        return JsonlSource(path=paths, id=id_col)
    for path in paths:
        suffix = os.path.splitext(path)[1].lower()
        if suffix and suffix not in _TABLES and os.path.isfile(path):
            raise DataError(
                f'"{path}" is no Parquet file; a path stands for {", ".join(_TABLES)} files.'
                " Read other formats into a DataFrame or Arrow table and give that"
            )
    return ParquetSource(path=paths, id=id_col)
