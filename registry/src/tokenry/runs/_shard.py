"""Reading one file of tokens."""

from __future__ import annotations

from pathlib import Path

from tokenry_core import TokenBatch
from tokenry_core._npz import read_npz
from tokenry_core.errors import DataError

__all__ = ["read_shard"]


def read_shard(path: Path) -> TokenBatch:
    """Give the tokens of one file that a run wrote: Parquet or npz."""
    if path.suffix == ".npz":
        return read_npz(path)
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, memory_map=True).combine_chunks()
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: cannot be read: {error}") from None
    batches = table.to_batches()
    if not batches:
        batches = [pa.RecordBatch.from_pylist([], table.schema)]
    return TokenBatch.from_arrow(batches[0].replace_schema_metadata(table.schema.metadata))
