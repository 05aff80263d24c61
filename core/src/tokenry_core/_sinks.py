"""Where tokens go: Parquet files, or memory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from ._arrow import without_counts
from ._batch import TokenBatch
from ._config import build_config, canonical_json, with_doc
from .errors import DataError

__all__ = ["PARTIAL", "ArrowSink", "ParquetSink", "ParquetSinkConfig", "read_provenance"]

PARTIAL = ".partial"
_KEY = b"tokenry.provenance"


@dataclass(frozen=True)
class ParquetSinkConfig:
    """Options of the `parquet` sink."""

    path: str = with_doc("the folder for the shards")
    compression: Literal["none", "snappy", "zstd", "lz4"] = with_doc(
        "of the pages; token ids are packed to the bits they need in any case", "none"
    )


class ParquetSink:
    """Writes each fragment as one Parquet file: ids first, a list column for each field.

    The files open in pyarrow, pandas, polars, DuckDB and datasets; `read_provenance` tells which
    tokenizers made them, from what.
    """

    Config = ParquetSinkConfig

    def __init__(self, config: ParquetSinkConfig | None = None, /, **options: Any) -> None:
        self.config = config or build_config(ParquetSinkConfig, options)

    def write(
        self, stem: str, batches: Iterable[TokenBatch], provenance: Mapping[str, Any]
    ) -> Sequence[Path]:
        """Write `stem`.parquet under its temporary name."""
        file = Path(self.config.path, f"{stem}.parquet{PARTIAL}")
        arrow = (tokens.to_arrow() for tokens in batches)
        first = next(arrow)
        with open(file, "wb") as out, self._writer(out, first.schema, provenance) as writer:
            for batch in chain([first], arrow):
                writer.write_batch(batch.replace_schema_metadata(writer.schema.metadata))
        return [file]

    def _writer(self, out: Any, schema: pa.Schema, provenance: Mapping[str, Any]) -> Any:
        metadata = {**without_counts(schema.metadata), _KEY: canonical_json(provenance).encode()}
        return pq.ParquetWriter(
            out,
            schema.with_metadata(metadata),
            compression=self.config.compression,
            use_dictionary=False,
            write_statistics=False,
            column_encoding={
                path: "DELTA_BINARY_PACKED"
                for field in schema
                for path, kind in _leaves(field.name, field.type)
                if pa.types.is_unsigned_integer(kind)
            },
        )


def _leaves(path: str, kind: pa.DataType) -> Iterator[tuple[str, pa.DataType]]:
    """Give what Parquet calls the values of a column of lists."""
    while hasattr(kind, "value_type"):
        path, kind = f"{path}.list.element", kind.value_type
    yield path, kind


class ArrowSink:
    """Keeps each fragment's tokens in memory, as record batches by stem.

    >>> import numpy as np
    >>> from tokenry_core import Field, FieldSpec, Spec
    >>> spec = Spec((FieldSpec.tokens("t", codes=4),))
    >>> sink = ArrowSink()
    >>> sink.write("part-0", [TokenBatch(spec, {"t": Field(np.array([1], np.uint16))}, [7])], {})
    []
    >>> sink.table().to_pydict()
    {'id': [7], 't': [1]}
    """

    def __init__(self) -> None:
        self.shards: dict[str, list[pa.RecordBatch]] = {}

    def write(
        self, stem: str, batches: Iterable[TokenBatch], provenance: Mapping[str, Any]
    ) -> Sequence[Path]:
        """Keep the batches; there are no files to rename."""
        self.shards[stem] = [batch.to_arrow() for batch in batches]
        return []

    def table(self) -> pa.Table:
        """Give everything as one table, in order of the stems."""
        return pa.Table.from_batches(
            [batch for stem in sorted(self.shards) for batch in self.shards[stem]]
        )


def read_provenance(path: str | Path) -> Mapping[str, Any]:
    """Give what a Parquet shard says of its origin."""
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowException) as error:
        why = "No such file" if isinstance(error, FileNotFoundError) else error
        raise DataError(f"{path}: cannot be read as Parquet: {why}") from None
    if _KEY not in metadata:
        raise DataError(f"{path}: it is Parquet, but no token shard of Tokenry")
    return dict(json.loads(metadata[_KEY]))
