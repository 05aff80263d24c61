"""Reading what a run made: `open_tokens(folder)`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tokenry_core import Array, FieldSpec, Spec, TokenBatch
from tokenry_core.errors import DataError

from ._manifest import read_manifest
from ._shard import read_shard

if TYPE_CHECKING:
    import pyarrow as pa

    from ._torch import Collate, TokenDataset, TokenStream

__all__ = ["TokenFolder", "open_tokens"]


def open_tokens(folder: str | os.PathLike[str]) -> TokenFolder:
    """Give the tokens of a finished run, to iterate, to load whole, or as torch datasets."""
    path = Path(folder)
    return TokenFolder(path, read_manifest(path))


@dataclass(frozen=True, repr=False)
class TokenFolder:
    """A finished run's tokens. Iterating gives one TokenBatch after another, in order.

    `torch()` is a map-style dataset, `stream()` an iterable one for more data than memory.
    """

    path: Path
    manifest: Mapping[str, Any]

    @cached_property
    def shards(self) -> list[Path]:
        """The files, in order, without those that have no rows."""
        return [
            self.path / name
            for fragment in self.manifest["fragments"]
            if fragment["rows_out"]
            for name, _ in fragment["files"]
        ]

    @cached_property
    def starts(self) -> Array:
        """The number of the first row of each shard, and at the end the number of rows."""
        rows = [f["rows_out"] for f in self.manifest["fragments"] if f["rows_out"] and f["files"]]
        return np.concatenate([[0], np.cumsum(rows, dtype=np.int64)])

    @property
    def tokenizers(self) -> Mapping[str, Mapping[str, str]]:
        """Name and fingerprint of each tokenizer, by its key in the run file."""
        return dict(self.manifest["tokenizers"])

    @cached_property
    def spec(self) -> Spec:
        """The fields there are."""
        return self._nothing().spec

    def _nothing(self) -> TokenBatch:
        """Give a batch of these fields without rows."""
        for fragment in self.manifest["fragments"]:
            for name, _ in fragment["files"]:
                batch = read_shard(self.path / name)
                return batch.select(np.zeros(batch.rows, bool))
        raise DataError(f"{self.path}: the run made no shard; see its quarantine.jsonl")

    def __repr__(self) -> str:
        fields = ", ".join(field.name for field in self.spec.fields)
        return f"TokenFolder({os.fspath(self.path)!r}: {len(self):,} rows of {fields})"

    def __len__(self) -> int:
        return int(self.starts[-1])

    def __iter__(self) -> Iterator[TokenBatch]:
        for shard in self.shards:
            yield read_shard(shard)

    def __getitem__(self, name: str) -> FieldSpec:
        return self.spec[name]

    def load(self) -> TokenBatch:
        """Give everything as one batch, in memory."""
        return TokenBatch.concat(list(self) or [self._nothing()])

    def table(self) -> pa.Table:
        """Give everything as one Arrow table."""
        import pyarrow as pa

        batches = [batch.to_arrow() for batch in self] or [self._nothing().to_arrow()]
        return pa.Table.from_batches(batches)

    def torch(self) -> TokenDataset:
        """Give a map-style torch dataset: `dataset[i]` is a dict of tensors."""
        from ._torch import TokenDataset

        return TokenDataset(self)

    def stream(self, *, shuffle: bool = False, seed: int = 0) -> TokenStream:
        """Give an iterable torch dataset: each row once over all ranks and workers.

        With `shuffle`, shards come in random order and the rows of eight are mixed;
        `set_epoch(n)` gives another order.
        """
        from ._torch import TokenStream

        return TokenStream(self, shuffle=shuffle, seed=seed)

    @property
    def collate(self) -> Collate:
        """The `collate_fn` of a DataLoader: fields stacked, ragged ones padded with a mask."""
        from ._torch import Collate

        return Collate(self.spec)
