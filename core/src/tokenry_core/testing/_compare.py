"""Whether two batches of tokens are the same, as far as their spec promises."""

from __future__ import annotations

from typing import Any

import numpy as np

from tokenry_core import Array, Field, FieldSpec, Spec, TokenBatch

from ._promises import broken, expect, shown

__all__ = ["expect_fits", "expect_same", "rows_of"]

_SHARE = 0.001  # of ids near a decision boundary, in fields that are not exact


def expect_same(
    expected: TokenBatch,
    found: TokenBatch,
    promise: str,
    read: str,
    *,
    to_the_bit: bool = False,
    ids: bool = True,
    origin: Array | None = None,
) -> None:
    """Report the first difference between two batches.

    Fields that are not exact may differ within their tolerance, unless `to_the_bit`. `origin`
    numbers the distinct rows, so that one id that differs counts once, however often its row is
    repeated.
    """
    if ids:
        same = expected.ids.equals(found.ids) and expected.id_col == found.id_col
        expect(same, promise, f"ids {shown(expected.ids)} became {shown(found.ids)}", read)
    expect(expected.rows == found.rows, promise, f"{expected.rows} rows, then {found.rows}", read)
    expect(expected.spec == found.spec, promise, f"{expected.spec}, then {found.spec}", read)
    if origin is None:
        origin = np.arange(expected.rows)
    for spec in expected.spec.fields:
        a, b = expected.fields[spec.name], found.fields[spec.name]
        difference = _difference(spec, a, b, to_the_bit, origin)
        if difference:
            broken(promise, f'field "{spec.name}": {difference}', read)


def expect_fits(tokens: Any, spec: Spec, rows: int, promise: str, read: str) -> None:
    """Report a batch that is not what the spec says."""
    expect(isinstance(tokens, TokenBatch), promise, f"{type(tokens).__name__}, no TokenBatch", read)
    expect(tokens.rows == rows, promise, f"{rows} rows became {tokens.rows}", read)
    expect(tokens.spec == spec, promise, f"the batch has {tokens.spec}, not {spec}", read)
    for field in spec.fields:
        values, indptr = tokens.fields[field.name]
        where = f'field "{field.name}"'
        expect(values.dtype == field.dtype, promise, f"{where} is {values.dtype}", read)
        expect(values.shape[1:] == field.event, promise, f"{where} has shape {values.shape}", read)
        expect((indptr is not None) == field.ragged, promise, f"{where}: indptr {indptr}", read)
        if field.kind == "discrete" and values.size:
            largest = int(values.max())
            expect(largest <= field.codes, promise, f"{where} has {largest} of {field.codes}", read)


def rows_of(tokens: TokenBatch, order: Array) -> TokenBatch:
    """Give some rows of a batch of tokens, in this order."""
    pieces = {int(i): tokens.select(np.arange(tokens.rows) == i) for i in np.unique(order)}
    return TokenBatch.concat([pieces[int(i)] for i in order])


def _difference(spec: FieldSpec, a: Field, b: Field, to_the_bit: bool, origin: Array) -> str:
    if a.indptr is not None and b.indptr is not None and not np.array_equal(a.indptr, b.indptr):
        row = int(np.argmax(np.diff(a.indptr) != np.diff(b.indptr)))
        return f"row {row} has {np.diff(a.indptr)[row]} points, then {np.diff(b.indptr)[row]}"
    if a.values.dtype != b.values.dtype or a.values.shape != b.values.shape:
        return f"{a.values.dtype} {a.values.shape}, then {b.values.dtype} {b.values.shape}"
    differs = _differs(spec, a.values, b.values, to_the_bit)
    if not differs.any():
        return ""
    if spec.kind == "discrete" and not spec.exact and not to_the_bit:
        wrong, total = _distinct(a, differs, origin)
        if wrong <= max(1, _SHARE * total):
            return ""
        return f"{wrong} of {total} ids differ, and at most {_SHARE:.1%} may"
    place = tuple(int(i) for i in np.argwhere(differs)[0])
    allowed = "" if spec.exact or to_the_bit else f" (tolerance {spec.tolerance})"
    return f"at {place} {a.values[place]}, then {b.values[place]}{allowed}"


def _differs(spec: FieldSpec, a: Array, b: Array, to_the_bit: bool) -> Array:
    if a.dtype.kind != "f":
        return np.asarray(a != b)
    both_missing = np.isnan(a) & np.isnan(b)
    if spec.exact or to_the_bit:
        return np.asarray(((a != b) | (np.signbit(a) != np.signbit(b))) & ~both_missing)
    with np.errstate(invalid="ignore"):
        near = (a == b) | (np.abs(a.astype(np.float64) - b) <= spec.tolerance)
    return np.asarray(~near & ~both_missing)


def _distinct(field: Field, differs: Array, origin: Array) -> tuple[int, int]:
    """Count the ids that differ, and all ids, over distinct rows."""
    differs = differs.reshape(len(differs), -1)
    if field.indptr is None:
        row, point = origin, np.zeros(len(differs), np.int64)
    else:
        lengths = np.diff(field.indptr)
        row = np.repeat(origin, lengths)
        point = np.arange(len(differs)) - np.repeat(field.indptr[:-1], lengths)
    places = np.unique(np.stack([row, point], 1), axis=0)
    at, inner = np.nonzero(differs)
    wrong = np.unique(np.stack([row[at], point[at], inner], 1), axis=0)
    return len(wrong), len(places) * differs.shape[1]
