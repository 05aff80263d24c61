"""Options of the scalar tokenizer, under the names that its predecessors used."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le

from tokenry_core import with_doc
from tokenry_core.errors import ConfigError

MOST_BINS = 16_382  # the search for quantiles numbers four places a bin in 16 bits


@dataclass(frozen=True)
class Filter:
    """Keep values strictly between `low` and `high`; missing values are not kept.

    >>> Filter("mag_*", low=14.0).admits("mag_r")
    True
    """

    column: str = with_doc("a column, or a pattern such as mag_*")
    low: float | None = with_doc("values above this are kept", None)
    high: float | None = with_doc("values below this are kept", None)
    rows: bool = with_doc("drop the whole row from training, not the value alone", False)
    clip: bool = with_doc("clip values to [low, high] in encoding", False)

    def __post_init__(self) -> None:
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ConfigError(
                f'the filter of "{self.column}" has low {self.low} and high {self.high};'
                " low has to be below high"
            )
        if self.rows and any(character in self.column for character in "*?["):
            raise ConfigError(
                f'the row filter "{self.column}" is a pattern; a row is judged by one column'
            )

    def admits(self, column: str) -> bool:
        """Whether this filter is about the column."""
        return fnmatchcase(column, self.column)

    @property
    def range(self) -> tuple[float, float]:
        """Both ends, infinite where there is none."""
        return (
            -float("inf") if self.low is None else self.low,
            float("inf") if self.high is None else self.high,
        )


@dataclass(frozen=True)
class ScalarConfig:
    """Options of the scalar tokenizer."""

    n_bins: Annotated[int, Ge(2), Le(MOST_BINS)] = with_doc("bins of each column", 1024)
    scalar_columns: tuple[str, ...] | None = with_doc(
        "the columns; default: all of numbers and dates, but the id", None
    )
    mag_filter_col: str | None = with_doc("the column by which rows are filtered", None)
    mag_min: float = with_doc("magnitudes above this are kept in training", 14.0)
    mag_max: float = with_doc("magnitudes below this are kept in training", 22.0)
    apply_row_filter: bool = with_doc("filter training rows by mag_filter_col, if given", True)
    magerr_max: Annotated[float, Gt(0)] = with_doc("the largest error of err_mag_pstotal_*", 2.0)
    apply_magerr_filter: bool = with_doc("keep errors in (0, magerr_max), and clip to it", True)
    filters: tuple[Filter, ...] = with_doc("further filters of any columns", ())
    max_values_per_col: Annotated[int, Ge(1)] = with_doc(
        "sample size of estimator reservoir", 2_000_000
    )
    max_values_per_file_per_col: Annotated[int, Ge(1)] = with_doc(
        "share of one file in that sample", 100_000
    )
    rng_seed: Annotated[int, Ge(0)] = with_doc("of the sample", 0)
    estimator: Literal["exact", "one-pass", "reservoir"] = with_doc(
        "quantiles of all values, to 0.05 of a bin in one pass, or of a sample", "exact"
    )
    missing: Literal["token", "mean"] = with_doc(
        "missing values get the id n_bins, or the bin of the column's mean", "token"
    )
    ties: Literal["separate", "merge"] = with_doc(
        "equal quantiles are set apart by 1e-8, or make one bin", "separate"
    )
    decode: Literal["midpoint", "mean"] = with_doc(
        "a bin decodes to its middle, or to the mean of its training values", "midpoint"
    )
    min_values: Annotated[int, Ge(1)] = with_doc(
        "columns with fewer training values stay untrained", 1
    )
    booleans: bool = with_doc("take boolean columns as 0 and 1", False)

    def __post_init__(self) -> None:
        if not self.mag_min < self.mag_max:
            raise ConfigError(
                f"mag_min is {self.mag_min} and mag_max {self.mag_max}; mag_min has to be smaller"
            )
        names = self.scalar_columns
        if names is not None and (not names or len(set(names)) < len(names)):
            raise ConfigError(
                f"scalar_columns is {list(names)}; name each column once, at least one,"
                " or leave it out for all columns of numbers"
            )

    @property
    def row_filters(self) -> tuple[Filter, ...]:
        """The filters of rows: by magnitude, and the general ones."""
        found = tuple(f for f in self.filters if f.rows)
        if self.apply_row_filter and self.mag_filter_col is not None:
            by_magnitude = Filter(self.mag_filter_col, self.mag_min, self.mag_max, rows=True)
            return (by_magnitude, *found)
        return found

    @property
    def value_filters(self) -> tuple[Filter, ...]:
        """The filters of single values: of magnitudes and their errors, and the general ones."""
        found = [Filter("mag_pstotal_*", self.mag_min, self.mag_max)]
        if self.apply_magerr_filter:
            found.append(Filter("err_mag_pstotal_*", 0.0, self.magerr_max, clip=True))
        return (*found, *(f for f in self.filters if not f.rows))

    def trained_range(self, column: str) -> tuple[float, float]:
        """The open range of a column's values that training uses."""
        return _overlap([f.range for f in self.value_filters if f.admits(column)])

    def clipped_range(self, column: str) -> tuple[float, float]:
        """The closed range that a column's values are clipped to in encoding."""
        return _overlap([f.range for f in self.value_filters if f.clip and f.admits(column)])


def _overlap(ranges: list[tuple[float, float]]) -> tuple[float, float]:
    infinity = float("inf")
    return (
        max((low for low, _ in ranges), default=-infinity),
        min((high for _, high in ranges), default=infinity),
    )
