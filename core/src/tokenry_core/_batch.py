"""TokenBatch: what encoding returns, under the keys that users know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa

from ._fields import Array, Field, FieldSpec, Spec
from .errors import DataError, ShapeError

if TYPE_CHECKING:
    from .tokens import Tokens

__all__ = ["TokenBatch"]

Meta = str | int | float | bool | Sequence[str] | Sequence[int] | Sequence[float]


class TokenBatch(Mapping[str, Any]):
    """The tokens of some rows: a read-only mapping from key to array, and the typed fields.

    A field NAME appears as NAME, or as NAME_flat and NAME_indptr when it is ragged; `ids`,
    `id_col` and every key of `meta` are there too. `counts` are numbers for the report that add
    up over batches (clipped and missing values, say).

    >>> spec = Spec((FieldSpec.tokens("colour", codes=8, event=(2,)),))
    >>> values = np.array([[1, 8], [0, 7]], np.uint16)
    >>> batch = TokenBatch(spec, {"colour": Field(values)}, ids=[11, 12], meta={"N_BINS": 8})
    >>> batch["colour"].shape, batch["ids"].tolist(), batch["N_BINS"]
    ((2, 2), [11, 12], 8)
    >>> sorted(batch)
    ['N_BINS', 'colour', 'id_col', 'ids']
    """

    __slots__ = ("counts", "fields", "id_col", "ids", "meta", "spec")

    def __init__(
        self,
        spec: Spec,
        fields: Mapping[str, Field],
        ids: pa.Array | Array | Sequence[Any],
        id_col: str = "id",
        meta: Mapping[str, Meta] = MappingProxyType({}),
        counts: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self.spec = spec
        self.ids: pa.Array = ids if isinstance(ids, pa.Array) else pa.array(ids)
        self.id_col = id_col
        plain = {key: tuple(v) if isinstance(v, list) else v for key, v in meta.items()}
        self.meta: Mapping[str, Meta] = MappingProxyType(plain)
        self.counts = MappingProxyType({name: int(count) for name, count in counts.items()})
        _check_names(spec, fields, id_col)
        self.fields = MappingProxyType({f.name: fields[f.name] for f in spec.fields})
        for field in spec.fields:
            _check(field, fields[field.name], len(self.ids))

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.ids)

    def __getitem__(self, key: str) -> Any:
        if key == "ids":
            return _numpy_ids(self.ids)
        if key == "id_col":
            return self.id_col
        if key in self.meta:
            value = self.meta[key]
            return np.asarray(value) if isinstance(value, list | tuple) else value
        for spec in self.spec.fields:
            if key in spec.keys:
                return self.fields[spec.name][spec.keys.index(key)]
        raise KeyError(f"{key}: no such key; there are: {', '.join(self)}")

    def __iter__(self) -> Iterator[str]:
        for spec in self.spec.fields:
            yield from spec.keys
        yield from ("ids", "id_col")
        yield from self.meta

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TokenBatch):
            return NotImplemented
        same = self.spec == other.spec and self.id_col == other.id_col
        same = same and self.meta == other.meta and self.counts == other.counts
        return (
            same
            and self.ids.equals(other.ids)
            and all(_equal(field, other.fields[name]) for name, field in self.fields.items())
        )

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        parts = dict(self.fields), self.ids, self.id_col, dict(self.meta), dict(self.counts)
        return TokenBatch, (self.spec, *parts)

    def __repr__(self) -> str:
        shown = ", ".join(f"{key}: {_shape(self[key])}" for key in self)
        return f"TokenBatch({self.rows} rows; {shown})"

    def select(self, keep: Array) -> TokenBatch:
        """Give the rows where `keep` is True, in order; the counts stay those of all rows."""
        keep = np.asarray(keep, bool)
        if keep.shape != (self.rows,):
            raise ShapeError(f"keep has shape {keep.shape}; the batch has {self.rows} rows")
        fields = {name: _select(field, keep) for name, field in self.fields.items()}
        ids = self.ids.filter(pa.array(keep))
        return TokenBatch(self.spec, fields, ids, self.id_col, self.meta, self.counts)

    @classmethod
    def concat(cls, batches: Sequence[TokenBatch]) -> TokenBatch:
        """Join batches of one spec, row after row; counts add up."""
        if not batches:
            raise DataError("no batches were given to concatenate; give at least one")
        first = batches[0]
        if any(batch.spec != first.spec for batch in batches):
            raise DataError("only batches of one spec can be concatenated; these differ")
        fields = {name: _concat([batch.fields[name] for batch in batches]) for name in first.fields}
        ids = _concat_ids([batch.ids for batch in batches])
        counts: Counter[str] = Counter()
        for batch in batches:
            counts.update(batch.counts)
        return cls(first.spec, fields, ids, first.id_col, first.meta, counts)

    def to_arrow(self) -> pa.RecordBatch:
        """Give an Arrow record batch: ids first, one list column a field, the spec as metadata."""
        from ._arrow import to_arrow

        return to_arrow(self)

    @classmethod
    def from_arrow(cls, batch: pa.RecordBatch) -> TokenBatch:
        """Read back what `to_arrow` made."""
        from ._arrow import from_arrow

        return from_arrow(batch)

    def to_torch(self) -> dict[str, Any]:
        """Give torch tensors by key: ids of tokens as int64, dense values as they are."""
        import torch

        out: dict[str, Any] = {}
        for spec in self.spec.fields:
            values, *indptr = (self[key] for key in spec.keys)
            tokens = values.astype(np.int64) if spec.kind == "discrete" else values
            # torch has no read-only tensors: what Arrow lent is copied.
            out[spec.keys[0]] = torch.from_numpy(np.require(tokens, requirements=["C", "W"]))
            for key, array in zip(spec.keys[1:], indptr, strict=True):
                out[key] = torch.from_numpy(np.require(array, requirements=["C", "W"]))
        if pa.types.is_integer(self.ids.type):
            out["ids"] = torch.from_numpy(self["ids"].astype(np.int64))
        return out

    def to_tokens(self, kind: Literal["discrete", "dense"] = "discrete") -> Tokens:
        """Give one training-ready `Tokens` of all fields of one kind."""
        from .tokens import tokens_from_batch

        return tokens_from_batch(self, kind=kind)


def _check_names(spec: Spec, fields: Mapping[str, Field], id_col: str) -> None:
    names = [field.name for field in spec.fields]
    if set(fields) != set(names):
        raise DataError(f"the fields given are {sorted(fields)}; the spec has {sorted(names)}")
    if id_col in names:
        raise DataError(
            f'the id column "{id_col}" has the name of a field; rename the column, or the field'
        )


def _check(spec: FieldSpec, field: Field, rows: int) -> None:
    values, indptr = field
    if values.dtype != spec.dtype or values.shape[1:] != spec.event:
        raise ShapeError(
            f'field "{spec.name}" is {values.dtype} of shape {values.shape}; its spec promises'
            f" {spec.dtype} of shape (rows, {', '.join(map(str, spec.event))})"
        )
    if spec.ragged != (indptr is not None):
        given = "was given" if indptr is not None else "was not given"
        raise ShapeError(f'field "{spec.name}": ragged is {spec.ragged}, but indptr {given}')
    if field.rows != rows:
        raise ShapeError(f'field "{spec.name}" has {field.rows} rows; there are {rows} ids')
    if indptr is not None and (
        indptr.dtype != np.int64
        or indptr[0] != 0
        or indptr[-1] != len(values)
        or (indptr[1:] < indptr[:-1]).any()
    ):
        raise ShapeError(
            f'field "{spec.name}": indptr must be int64 and rise from 0 to {len(values)}'
        )


def _select(field: Field, keep: Array) -> Field:
    values, indptr = field
    if indptr is None:
        return Field(values[keep])
    lengths = np.diff(indptr)
    return Field(values[np.repeat(keep, lengths)], _indptr(lengths[keep]))


def _concat(fields: Sequence[Field]) -> Field:
    values = np.concatenate([field.values for field in fields])
    if fields[0].indptr is None:
        return Field(values)
    return Field(values, _indptr(np.concatenate([_lengths(field) for field in fields])))


def _concat_ids(ids: Sequence[pa.Array]) -> pa.Array:
    some = [one for one in ids if len(one)] or list(ids[:1])  # no rows have no type of id
    types = {str(one.type) for one in some}
    if len(types) > 1:
        raise DataError(
            f"ids of the types {', '.join(sorted(types))} cannot be joined: give the id column"
            " one type in every file"
        )
    return pa.concat_arrays(some)


def _equal(a: Field, b: Field) -> bool:
    if a.indptr is not None and b.indptr is not None and not np.array_equal(a.indptr, b.indptr):
        return False
    return np.array_equal(a.values, b.values, equal_nan=a.values.dtype.kind == "f")


def _lengths(field: Field) -> Array:
    assert field.indptr is not None
    return np.diff(field.indptr)


def _indptr(lengths: Array) -> Array:
    out = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=out[1:])
    return out


def _numpy_ids(ids: pa.Array) -> Array:
    if ids.null_count:
        raise DataError(f"{ids.null_count} ids are null: use .ids, where nulls are kept")
    values: Array = ids.to_numpy(zero_copy_only=False)
    # Strings arrive as objects; a text array saves and loads without pickling.
    return values.astype(np.str_) if values.dtype == object else values


def _shape(value: object) -> str:
    return str(value.shape) if isinstance(value, np.ndarray) else repr(value)
