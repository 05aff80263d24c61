"""Kind: what a sort of spectrum or light curve has to tell."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Generic, TypeVar

import numpy as np
import pyarrow as pa
from annotated_types import Ge
from numpy.typing import NDArray

from tokenry_core import with_doc
from tokenry_spectrum._lists import Features, Lengths, Points

Assets = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class Group:
    """Options that every group has; a kind adds its own in a subclass."""

    name: str = with_doc("the tokens appear as tokens_NAME")
    kind: str = with_doc("what the group holds: a name of the registry tokenry_spectrum.kinds")
    length: Annotated[int, Ge(1)] | None = with_doc(
        "points in every row; default: what training saw, if it was one length only", None
    )


G = TypeVar("G", bound=Group)


class Kind(ABC, Generic[G]):
    """A sort of spectrum or light curve: how rows become points, and codes become values.

    To add one, subclass this, say which options it has (`Config`), how many features a point has,
    and publish the class as an entry point of the group `tokenry_spectrum.kinds`; groups with
    `kind: NAME` then find it. Everything else (sampling, codebook, tokens, artifact) is shared.
    """

    Config: ClassVar[type[Group]]
    dims: ClassVar[int]
    ragged: ClassVar[bool] = False
    """Whether rows are ragged although all that have points have equally many."""

    def __init__(self, group: G) -> None:
        self.group = group

    @abstractmethod
    def columns(self, schema: pa.Schema) -> Sequence[str]:
        """Name the columns of `schema` that are read; `tokenry_core.require` says what lacks."""

    @abstractmethod
    def read(self, batch: pa.RecordBatch, assets: Assets) -> Points:
        """Give the points of a batch; keep it cheap: features are computed when they are asked."""

    @abstractmethod
    def values(self, features: NDArray[np.float64], assets: Assets) -> Mapping[str, NDArray[Any]]:
        """Give what the features (dims x points) stand for, by column."""

    def order(self, lengths: Lengths) -> Mapping[str, NDArray[Any]]:
        """Give columns that decoding adds to keep the order of the points."""
        return {}

    def assets(self) -> Assets:
        """Give arrays that reading needs and that belong into the artifact."""
        return {}

    def marks(self) -> Assets:
        """Give arrays that say in the artifact how columns were found, not what they held."""
        return {}

    def axis(self, points: int, assets: Assets) -> tuple[NDArray[np.float64], str]:
        """Give the positions of the points for pictures, and what they are."""
        return np.arange(points, dtype=np.float64), "point"


def columns_as_features(
    columns: Sequence[NDArray[Any]], order: NDArray[np.int64] | None, first: int, last: int
) -> Features:
    """Give the points first to last of flat columns as rows of one float32 array of our own."""
    out = np.empty((len(columns), last - first), np.float32)
    with np.errstate(over="ignore"):
        for row, column in zip(out, columns, strict=True):
            row[:] = column[first:last] if order is None else column[order[first:last]]
    return out
