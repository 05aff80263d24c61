"""Which row is which: id columns, and the row keys by which samples are chosen."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ._fields import Array
from .errors import DataError, MissingColumn, nearest

__all__ = ["ID_NAMES", "batch_ids", "file_of", "mark", "require", "row_keys"]

ID_NAMES = ("id", "gaia_source_id", "source_id")
_ID, _FILE = b"tokenry.id", b"tokenry.file"


def mark(
    batch: pa.RecordBatch, *, id_col: str | None = None, file: str | None = None
) -> pa.RecordBatch:
    """Give the batch with its id column and its file written into the schema's metadata."""
    metadata = dict(batch.schema.metadata or {})
    if id_col is not None:
        metadata[_ID] = id_col.encode()
    if file is not None:
        metadata[_FILE] = file.encode()
    return batch.replace_schema_metadata(metadata)


def id_column(schema: pa.Schema, name: str | None = None) -> str | None:
    """Name the id column: the one asked for, else the marked one, else the first known name."""
    if name is not None:
        require(schema, [name])
        return name
    marked = (schema.metadata or {}).get(_ID)
    if marked is not None:
        return require(schema, [marked.decode()])[0]
    return next((known for known in ID_NAMES if known in schema.names), None)


def file_of(batch: pa.RecordBatch) -> str:
    """Name the file that a batch was read from; empty when it never was in one."""
    return str((batch.schema.metadata or {}).get(_FILE, b"").decode())


def batch_ids(batch: pa.RecordBatch) -> tuple[pa.Array, str]:
    """Give the ids of a batch and the name of their column; row numbers where there is none.

    >>> batch = pa.record_batch({"source_id": [7, 9], "g": [1.0, 2.0]})
    >>> ids, name = batch_ids(batch)
    >>> ids.to_pylist(), name
    ([7, 9], 'source_id')
    """
    name = id_column(batch.schema)
    if name is None:
        return pa.array(np.arange(batch.num_rows)), "row"
    ids = batch.column(name)
    if pa.types.is_dictionary(ids.type):
        ids = ids.dictionary_decode()
    if not (pa.types.is_integer(ids.type) or _is_text(ids.type)):
        raise DataError(
            f'id column "{name}" is {ids.type}; ids are integers or strings:'
            " name another column as id, or none to use file and row number"
        )
    return ids, name


def require(schema: pa.Schema, names: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """Give back `names` when the schema has them all, else say which are missing.

    >>> require(pa.schema({"mag_r": pa.float32()}), ["mag_g"])
    Traceback (most recent call last):
    tokenry_core.errors.MissingColumn: column "mag_g" is missing; there are: mag_r. Did you mean "mag_r"?
    """  # noqa: E501
    missing = [name for name in names if name not in schema.names]
    if missing:
        listed = ", ".join(f'"{name}"' for name in missing)
        verb = "column {} is" if len(missing) == 1 else "columns {} are"
        there = ", ".join(schema.names[:20]) + (", …" if len(schema.names) > 20 else "")
        raise MissingColumn(
            f"{verb.format(listed)} missing; there are: {there or 'no columns'}."
            f"{nearest(missing[0], schema.names)}"
        )
    return tuple(names)


def row_keys(batch: pa.RecordBatch) -> Array:
    """Give one uint64 per row that depends on nothing but the row's id.

    Samples are chosen by (seed, key), so that they do not depend on the order of files or on the
    number of workers.

    >>> a = row_keys(pa.record_batch({"id": [1, 2, 3]}))
    >>> b = row_keys(pa.record_batch({"id": [3, 1]}))
    >>> a[[2, 0]].tolist() == b.tolist()
    True
    """
    ids, _ = batch_ids(batch)
    if ids.null_count:
        raise DataError(f"{ids.null_count} ids are null; a row needs an id to be sampled by")
    if pa.types.is_integer(ids.type):
        return mix(ids.to_numpy(zero_copy_only=False).astype(np.uint64))
    return mix(_text_hash(ids.cast(pa.large_binary())))


def mix(values: Array, seed: int = 0) -> Array:
    """Scatter 64-bit integers: the finaliser of SplitMix64 (Steele, Lea and Flood, 2014)."""
    with np.errstate(over="ignore"):
        z = values + np.uint64((0x9E3779B97F4A7C15 * (2 * seed + 1)) % 2**64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


def _text_hash(ids: pa.LargeBinaryArray) -> Array:
    """Polynomial in an odd base modulo 2^64, over the bytes of each string, all rows at once."""
    buffers = ids.buffers()
    offsets = np.frombuffer(buffers[1], np.int64)[ids.offset : ids.offset + len(ids) + 1]
    lengths = np.diff(offsets)
    if not offsets[-1] - offsets[0]:
        return np.zeros(len(ids), np.uint64)
    data = np.frombuffer(buffers[2], np.uint8)[offsets[0] : offsets[-1]]
    position = np.arange(len(data)) - np.repeat(offsets[:-1] - offsets[0], lengths)
    powers = np.full(int(lengths.max()) + 1, 0x100000001B3, np.uint64)
    powers[0] = 1
    with np.errstate(over="ignore"):
        np.multiply.accumulate(powers, out=powers)
        terms = mix(data.astype(np.uint64)) * powers[position]
        sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(terms, dtype=np.uint64)])
        ends = offsets - offsets[0]
        return np.asarray(sums[ends[1:]] - sums[ends[:-1]] + lengths.astype(np.uint64))


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )
