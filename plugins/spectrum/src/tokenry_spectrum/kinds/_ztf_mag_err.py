"""Light curves as magnitude and error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tokenry_core import require, with_doc
from tokenry_spectrum._lists import Features, Lengths, Points, read_lists
from tokenry_spectrum.kinds._kind import Assets, Group, Kind, columns_as_features

_LEAST_ERROR = 1e-3


@dataclass(frozen=True, kw_only=True)
class ZtfMagErrGroup(Group):
    """Options of the kind `ztf_mag_err`."""

    mag_col: str = with_doc("list column of magnitudes")
    err_col: str = with_doc("list column of their errors")
    time_col: str | None = with_doc("list column of times, by which the points are put", None)


class ZtfMagErr(Kind[ZtfMagErrGroup]):
    """Each point is its magnitude and its weight, 1 / max(error, 0.001)."""

    Config = ZtfMagErrGroup
    dims = 2

    def columns(self, schema: pa.Schema) -> Sequence[str]:
        """Magnitude, error and, where given, time."""
        group = self.group
        return require(schema, [c for c in (group.mag_col, group.err_col, group.time_col) if c])

    def read(self, batch: pa.RecordBatch, assets: Assets) -> Points:
        """Points of rows in which all columns are there, by time."""
        lists = read_lists(batch, self.columns(batch.schema))
        mag, err = lists.values[:2]
        by_time = len(lists.values) == 3 and not lists.bad
        order = time_order(lists.values[2], lists.lengths) if by_time else None

        def features(first: int, last: int) -> Features:
            out = columns_as_features((mag, err), order, first, last)
            np.maximum(out[1], np.float32(_LEAST_ERROR), out=out[1])
            np.divide(1, out[1], out=out[1])
            return out

        def times(first: int, last: int) -> NDArray[Any]:
            given = lists.values[2]
            return given[first:last] if order is None else given[order[first:last]]

        positions = times if by_time else None
        return Points(lists.lengths, lists.present, features, lists.bad, lists.length, positions)

    def values(self, features: NDArray[np.float64], assets: Assets) -> Mapping[str, NDArray[Any]]:
        """Magnitude and error."""
        with np.errstate(divide="ignore"):
            error = 1 / np.maximum(features[1], 0)
        return {self.group.mag_col: features[0], self.group.err_col: error}

    def order(self, lengths: Lengths) -> Mapping[str, NDArray[Any]]:
        """Times are not in the tokens: the number of the point in its row stands for them."""
        if self.group.time_col is None:
            return {}
        starts = np.cumsum(lengths) - lengths
        number = np.arange(lengths.sum()) - np.repeat(starts, lengths)
        return {self.group.time_col: number.astype(np.float64)}

    def marks(self) -> Assets:
        """Whether there were times: groups that were found in the data are found again by it."""
        return {"timed": np.array(self.group.time_col is not None, np.uint8)}


def time_order(times: NDArray[Any], lengths: Lengths) -> NDArray[np.int64] | None:
    """Give the order of the points by time within each row; None where they are in it already.

    Equal times keep their order; points without a time come last.
    """
    row = np.repeat(np.arange(len(lengths)), lengths)
    with np.errstate(invalid="ignore"):
        rises = times[1:] >= times[:-1]
    if (rises | (row[1:] != row[:-1])).all():
        return None
    return np.lexsort((times, row))
