"""Which rows of a labelled table show the same individual."""

from __future__ import annotations

import math
import os
from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tokenry_core.errors import DataError, MissingColumn, nearest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["group_rows", "require_labeled"]

SHOWN = 3


def require_labeled(df: pd.DataFrame, *, name: str = "df") -> None:
    """Refuse a table without the columns x and y, without rows, or with empty cells in them.

    Labels are names: two that read the same, such as 7 and "7", are refused as well.
    """
    import pandas as pd

    if not isinstance(df, pd.DataFrame):
        raise TypeError(f"{name} must be a pandas DataFrame, with the columns x and y.")
    known = [str(column) for column in df.columns]
    for column, meaning in (("x", "an image's path"), ("y", "the label of its individual")):
        if column not in df.columns:
            raise MissingColumn(
                f'{name}: column "{column}" ({meaning}) is missing; there are:'
                f" {', '.join(known) or 'none'}.{nearest(column, known)}"
            )
    if not len(df):
        raise DataError(f"{name} has no row; give labelled images, one a row")
    for column in ("x", "y"):
        empty = np.flatnonzero([_missing(value) for value in df[column]])
        if len(empty):
            rows = ", ".join(map(str, empty[:SHOWN]))
            more = ", …" if len(empty) > SHOWN else ""
            raise DataError(
                f'{name}: column "{column}" is empty in {len(empty)} of {len(df)} rows ({rows}'
                f"{more}); leave such rows out"
            )
    _check_names(df["y"], name)


def group_rows(df: pd.DataFrame, *, name: str = "df") -> dict[Any, list[int]]:
    """Give the row numbers of every label, whatever the order of the rows.

    Labels come in the order of their text, and a label's rows in that of their paths, so that a
    shuffled table gives the same pairs of images. An image that is listed twice counts once.

    >>> import pandas as pd
    >>> group_rows(pd.DataFrame({"x": ["b.jpg", "c.jpg", "a.jpg"], "y": ["rex", "ada", "rex"]}))
    {'ada': [1], 'rex': [2, 0]}
    """
    require_labeled(df, name=name)
    images, labels = list(df["x"]), list(df["y"])
    rows: Sequence[int] = range(len(images))
    if all(isinstance(image, str | os.PathLike) for image in images):
        rows = _distinct([os.fspath(image) for image in images], labels)
    groups: dict[Any, list[int]] = {}
    for row in rows:
        groups.setdefault(labels[row], []).append(row)
    return dict(sorted(groups.items(), key=lambda item: str(item[0])))


def _check_names(labels: Iterable[Any], name: str) -> None:
    known: dict[str, Any] = {}
    for row, label in enumerate(labels):
        if not isinstance(label, Hashable):
            raise DataError(
                f'{name}: column "y" has {label!r:.60} in row {row}; a label is a text or a number,'
                " which says who is shown"
            )
        other = known.setdefault(str(label), label)
        if other != label:
            raise DataError(
                f'{name}: column "y" has the labels {other!r} and {label!r}, which read the same;'
                ' write them alike, for example with df["y"].astype(str)'
            )


def _distinct(paths: Sequence[str], labels: Sequence[Any]) -> list[int]:
    """Give one row for each path, in the order of the paths."""
    first: dict[str, int] = {}
    for row in sorted(range(len(paths)), key=lambda row: paths[row]):
        known = first.setdefault(paths[row], row)
        if labels[known] != labels[row]:
            raise DataError(
                f"{paths[row]} has two labels, {labels[known]!r} and {labels[row]!r}; an image"
                " shows one individual: correct the table, or leave the image out"
            )
    return list(first.values())


def _missing(value: Any) -> bool:
    nothing = value is None or type(value).__name__ in ("NAType", "NaTType")
    return nothing or (isinstance(value, float) and math.isnan(value))
