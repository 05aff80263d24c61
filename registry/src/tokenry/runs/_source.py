"""The source of a run: what is wrong with it is said once, before any row is read."""

from __future__ import annotations

import pyarrow as pa

from tokenry_core import DataSource, batch_ids, mark, require
from tokenry_core._words import placed

from ..config import Choice

__all__ = ["source_of"]


def source_of(choice: Choice) -> DataSource:
    """Give the source that a run file chose; its columns have the ids and fit the condition."""
    source: DataSource = choice.make()
    with placed(choice.place):
        schema = source.schema
    id_col = getattr(choice.config, "id", None)
    with placed(f"{choice.place}.id"):
        if id_col is not None:
            require(schema, [id_col])
        batch_ids(mark(pa.RecordBatch.from_pylist([], schema), id_col=id_col))
    if choice.where is not None:
        choice.where.check(schema)
    return source
