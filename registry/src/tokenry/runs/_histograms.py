"""Counts of tokens, field by field, that add up over batches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from tokenry_core import Array, FieldSpec, TokenBatch

__all__ = ["FieldStats", "count_tokens"]


@dataclass
class FieldStats:
    """What the values of one field, or of one column of it, look like.

    `histogram[k]` counts the id k of a discrete field; the last place counts missing values.
    `lengths` counts the points of a row of a ragged field.
    """

    name: str
    kind: str
    rows: int = 0
    values: int = 0
    missing: int = 0
    histogram: Array | None = None
    lengths: dict[int, int] = field(default_factory=dict)

    @property
    def used(self) -> int:
        """How many of the codes occur."""
        return 0 if self.histogram is None else int(np.count_nonzero(self.histogram[:-1]))

    @property
    def perplexity(self) -> float:
        """Exponential of the entropy: how many codes are in even use."""
        if self.histogram is None:
            return 0.0
        counts = self.histogram[:-1]
        shares = counts[counts > 0] / max(1, counts.sum())
        return float(np.exp(-(shares * np.log(shares)).sum())) if len(shares) else 0.0

    @property
    def missing_share(self) -> float:
        """Share of missing values."""
        return self.missing / self.values if self.values else 0.0


def count_tokens(batches: Iterable[TokenBatch]) -> dict[str, FieldStats]:
    """Give the statistics of every field; a field of named columns is counted by column.

    >>> from tokenry_core import Field, Spec
    >>> spec = Spec((FieldSpec.tokens("t", codes=4),))
    >>> stats = count_tokens([TokenBatch(spec, {"t": Field(np.array([0, 1, 4], np.uint16))}, [1, 2, 3])])
    >>> stats["t"].histogram.tolist(), stats["t"].missing
    ([1, 1, 0, 0, 1], 1)
    """  # noqa: E501
    stats: dict[str, FieldStats] = {}
    for batch in batches:
        for spec in batch.spec.fields:
            for name, values, lengths in _columns(batch, spec):
                found = stats.setdefault(name, FieldStats(name, spec.kind))
                _add(found, spec, values, lengths, batch.rows)
    return stats


def column_names(batch: TokenBatch, spec: FieldSpec) -> list[str] | None:
    """Give the names of a field's columns, where the batch says them in its meta."""
    if spec.ragged or len(spec.event) != 1:
        return None
    for value in batch.meta.values():
        if not isinstance(value, list | tuple) or len(value) != spec.event[0]:
            continue
        if all(isinstance(name, str) for name in value):
            return [f"{spec.name}[{name}]" for name in value]
    return None


def _columns(batch: TokenBatch, spec: FieldSpec) -> Iterable[tuple[str, Array, Array | None]]:
    values, indptr = batch.fields[spec.name]
    names = column_names(batch, spec)
    if names is None:
        return [(spec.name, values, None if indptr is None else np.diff(indptr))]
    return [(name, values[:, i], None) for i, name in enumerate(names)]


def _add(
    stats: FieldStats, spec: FieldSpec, values: Array, lengths: Array | None, rows: int
) -> None:
    stats.rows += rows
    stats.values += values.size
    if spec.kind == "discrete":
        counts = np.bincount(values.reshape(-1), minlength=spec.codes + 1)
        stats.histogram = counts if stats.histogram is None else stats.histogram + counts
        stats.missing += int(counts[spec.codes])
    else:
        stats.missing += int(np.isnan(values).sum()) if values.dtype.kind == "f" else 0
    if lengths is not None:
        for length, count in zip(*np.unique(lengths, return_counts=True), strict=True):
            stats.lengths[int(length)] = stats.lengths.get(int(length), 0) + int(count)


def histograms(stats: Mapping[str, FieldStats]) -> dict[str, list[int]]:
    """Give the histograms alone, as JSON holds them."""
    return {
        name: found.histogram.tolist()
        for name, found in stats.items()
        if found.histogram is not None
    }
