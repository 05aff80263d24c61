"""Gaia's coefficients, as list columns or as text, into one matrix."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tokenry_core import require
from tokenry_core.errors import MissingColumn
from tokenry_spectrum._lists import read_lists
from tokenry_spectrum.kinds._gaia_matrices import BASES

_PREFIXES = ("", "gaiaxp_")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?(nan|inf)(inity)?", re.IGNORECASE)


@dataclass(frozen=True)
class Coefficients:
    """Coefficients of the rows that have the band (rows x 55), and the rows that are bad."""

    values: NDArray[np.float64]
    present: NDArray[np.bool_]
    bad: dict[int, str]


def coefficient_columns(schema: pa.Schema, band: str, truncation: bool) -> Sequence[str]:
    """Name the columns of a band, with the prefix gaiaxp_ where the table has it.

    >>> coefficient_columns(pa.schema({"gaiaxp_bp_coefficients": pa.string()}), "bp", False)
    ('gaiaxp_bp_coefficients',)
    """
    wanted = [f"{band}_coefficients", *([f"{band}_n_relevant_bases"] if truncation else [])]
    for prefix in _PREFIXES:
        if prefix + wanted[0] in schema.names:
            return require(schema, [prefix + name for name in wanted])
    either = " or ".join(f'"{prefix}{wanted[0]}"' for prefix in _PREFIXES)
    raise MissingColumn(f"column {either} is missing; there are: {', '.join(schema.names)}")


def read_coefficients(batch: pa.RecordBatch, band: str, truncation: bool) -> Coefficients:
    """Give a band's coefficients; with `truncation`, those that are not relevant as zero."""
    name, *relevant = coefficient_columns(batch.schema, band, truncation)
    column = batch.column(name)
    bad: dict[int, str] = {}
    if not (pa.types.is_nested(column.type) or pa.types.is_null(column.type)):
        column, bad = _parsed(column, name)
    lists = read_lists(pa.record_batch({name: column}), [name])
    present = lists.lengths > 0
    for row in np.flatnonzero(present & (lists.lengths != BASES)):
        bad.setdefault(int(row), f"{name} has {lists.lengths[row]} values; a band has {BASES}")
    if bad:
        return Coefficients(np.empty((0, BASES)), present, bad)
    values = lists.values[0].reshape(-1, BASES)
    if values.dtype != np.float64:
        values = values.astype(np.float64)
    if relevant:
        values = _truncated(values, batch.column(relevant[0]), present)
    return Coefficients(values, present, bad)


def _truncated(
    values: NDArray[np.float64], relevant: pa.Array, present: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Set the coefficients from the number of relevant bases on to zero, where there is one."""
    number = relevant.cast(pa.float64()).to_numpy(zero_copy_only=False)[present]
    number = np.where(number > 0, number, BASES)
    return np.where(np.arange(BASES) < number[:, None], values, 0.0)


def _parsed(column: pa.Array, name: str) -> tuple[pa.Array, dict[int, str]]:
    """Read lists written as text, `[1.0, 2.0]` or `(1.0, 2.0)`; null and empty text are absent."""
    text = column.cast(pa.large_string())
    inner = pc.utf8_trim(text, " \t\r\n[]()")
    inner = pc.if_else(pc.equal(inner, ""), None, inner)
    pieces = pc.split_pattern(inner, ",")
    words = pc.utf8_trim_whitespace(pieces.flatten())
    good = pc.match_substring_regex(words, f"^({_NUMBER.pattern})$", ignore_case=True)
    bad: dict[int, str] = {}
    if not pc.all(good, min_count=0).as_py():
        wrong = np.flatnonzero(~good.to_numpy(zero_copy_only=False))
        rows = pc.list_parent_indices(pieces).to_numpy()[wrong]
        for row, word in zip(rows.tolist(), wrong.tolist(), strict=True):
            bad.setdefault(row, f"{name} holds {words[word].as_py()!r:.40}, which is no number")
        words = pc.if_else(good, words, "nan")
    numbers = words.cast(pa.float64())
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(_counts(pieces))])
    mask = pieces.is_null()
    return pa.LargeListArray.from_arrays(pa.array(offsets), numbers, mask=mask), bad


def _counts(pieces: pa.Array) -> NDArray[np.int64]:
    counted = pc.fill_null(pc.list_value_length(pieces), 0)
    return np.asarray(counted.to_numpy(zero_copy_only=False), np.int64)
