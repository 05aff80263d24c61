"""Arrow memory that a tokenizer could write into, and what it holds."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

__all__ = ["contents", "in_writable_memory"]


def in_writable_memory(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Give a copy whose buffers lie in memory that NumPy and torch can write into."""
    columns = [_writable(column) for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def contents(batch: pa.RecordBatch) -> dict[str, bytes]:
    """Give the bytes of each column, as they stand in memory."""
    return {
        name: b"".join(bytes(buffer) for buffer in column.buffers() if buffer is not None)
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    }


def _writable(column: pa.Array) -> pa.Array:
    if isinstance(column, pa.ExtensionArray):
        return pa.ExtensionArray.from_storage(column.type, _writable(column.storage))
    kind = column.type
    if (pa.types.is_integer(kind) or pa.types.is_floating(kind)) and not column.null_count:
        return pa.array(column.to_numpy().copy())
    if pa.types.is_fixed_size_list(kind) and not column.null_count:
        return pa.FixedSizeListArray.from_arrays(_writable(column.flatten()), type=kind)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        starts = np.concatenate([[0], np.cumsum(column.value_lengths().fill_null(0).to_numpy())])
        large = pa.types.is_large_list(kind)
        offsets = pa.array(starts.astype(np.int64 if large else np.int32))
        make = pa.LargeListArray if large else pa.ListArray
        mask = column.is_null() if column.null_count else None
        return make.from_arrays(offsets, _writable(column.flatten()), type=kind, mask=mask)
    return pa.concat_arrays([column, column.slice(0, 0)])
