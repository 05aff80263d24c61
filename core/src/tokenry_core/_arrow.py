"""TokenBatch to Arrow and back, without copying where Arrow can."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import pyarrow as pa

from ._batch import TokenBatch
from ._fields import Field, FieldSpec, Spec
from .errors import DataError

__all__ = ["from_arrow", "to_arrow", "without_counts"]

_KEY = b"tokenry.batch"


def to_arrow(batch: TokenBatch) -> pa.RecordBatch:
    """Give a record batch: ids first, then one column a field.

    A rectangular field is a fixed-size list of its flattened event, a ragged one a large list;
    a field of one value a row is a plain column.
    """
    columns = {batch.id_col: batch.ids}
    for spec in batch.spec.fields:
        columns[spec.name] = _column(spec, batch.fields[spec.name])
    header = {
        "id_col": batch.id_col,
        "fields": [asdict(spec) for spec in batch.spec.fields],
        "heavy": batch.spec.heavy,
        "meta": dict(batch.meta),
        "counts": dict(batch.counts),
    }
    schema = pa.schema(
        [
            pa.field(name, column.type, nullable=name == batch.id_col)
            for name, column in columns.items()
        ],
        metadata={_KEY: json.dumps(header, sort_keys=True)},
    )
    return pa.RecordBatch.from_arrays(list(columns.values()), schema=schema)


def without_counts(metadata: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Give the metadata of one batch as that of many: without what was counted in the one."""
    header = json.loads(metadata[_KEY]) | {"counts": {}}
    return {**metadata, _KEY: json.dumps(header, sort_keys=True).encode()}


def from_arrow(batch: pa.RecordBatch) -> TokenBatch:
    """Read back what `to_arrow` made."""
    metadata = batch.schema.metadata or {}
    if _KEY not in metadata:
        raise DataError(
            f"this table was not written by Tokenry: its schema lacks the {_KEY.decode()} entry;"
            f" its columns are {batch.schema.names}"
        )
    header = json.loads(metadata[_KEY])
    specs = tuple(FieldSpec(**{**f, "event": tuple(f["event"])}) for f in header["fields"])
    fields = {spec.name: _field(spec, batch.column(spec.name)) for spec in specs}
    ids = batch.column(header["id_col"])
    spec = Spec(specs, header["heavy"])
    return TokenBatch(spec, fields, ids, header["id_col"], header["meta"], header["counts"])


def _column(spec: FieldSpec, field: Field) -> pa.Array:
    values = pa.array(np.ascontiguousarray(field.values).reshape(-1))
    # Said to be without nulls, lists cost half as much to write to Parquet.
    if spec.event:
        kind = pa.list_(_element(values.type), spec.size)
        values = pa.FixedSizeListArray.from_arrays(values, type=kind)
    if field.indptr is not None:
        kind = pa.large_list(_element(values.type))
        values = pa.LargeListArray.from_arrays(pa.array(field.indptr), values, type=kind)
    return values


def _element(kind: pa.DataType) -> pa.Field:
    return pa.field("element", kind, nullable=False)


def _field(spec: FieldSpec, column: pa.Array) -> Field:
    indptr = None
    if spec.ragged:
        offsets = column.offsets.to_numpy().astype(np.int64, copy=False)
        indptr = offsets - offsets[0]
        column = column.flatten()
    rows = len(column)
    values = column.flatten() if spec.event else column
    return Field(values.to_numpy(zero_copy_only=False).reshape(rows, *spec.event), indptr)
