"""Spectra as flux and inverse variance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tokenry_core import require, with_doc
from tokenry_spectrum._lists import Features, Points, read_lists
from tokenry_spectrum.kinds._kind import Assets, Group, Kind, columns_as_features


@dataclass(frozen=True, kw_only=True)
class FluxIvarGroup(Group):
    """Options of the kind `flux_ivar`."""

    flux_col: str = with_doc("list column of fluxes")
    ivar_col: str = with_doc("list column of inverse variances")
    grid: tuple[float, float] | None = with_doc(
        "wavelength of the first point and the step, for pictures", None
    )


class FluxIvar(Kind[FluxIvarGroup]):
    """Each point is its flux and its signal's inverse deviation, sqrt(max(ivar, 0))."""

    Config = FluxIvarGroup
    dims = 2

    def columns(self, schema: pa.Schema) -> Sequence[str]:
        """Flux and inverse variance."""
        return require(schema, [self.group.flux_col, self.group.ivar_col])

    def read(self, batch: pa.RecordBatch, assets: Assets) -> Points:
        """Points of rows in which both columns are there."""
        lists = read_lists(batch, self.columns(batch.schema))

        def features(first: int, last: int) -> Features:
            out = columns_as_features(lists.values, None, first, last)
            np.maximum(out[1], 0, out=out[1])
            np.sqrt(out[1], out=out[1])
            return out

        return Points(lists.lengths, lists.present, features, lists.bad, lists.length)

    def values(self, features: NDArray[np.float64], assets: Assets) -> Mapping[str, NDArray[Any]]:
        """Flux and inverse variance."""
        ivar = np.maximum(features[1], 0) ** 2
        return {self.group.flux_col: features[0], self.group.ivar_col: ivar}

    def axis(self, points: int, assets: Assets) -> tuple[NDArray[np.float64], str]:
        """The wavelengths of the grid, where one is given."""
        if self.group.grid is None:
            return super().axis(points, assets)
        start, step = self.group.grid
        return start + step * np.arange(points, dtype=np.float64), "wavelength"
