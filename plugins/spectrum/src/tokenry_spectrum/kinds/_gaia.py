"""Gaia's BP and RP spectra from their coefficients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tokenry_core import with_doc
from tokenry_core.errors import ConfigError
from tokenry_spectrum._lists import Features, Points, as_float32
from tokenry_spectrum._threads import spread
from tokenry_spectrum.kinds import _kernels
from tokenry_spectrum.kinds._coefficients import (
    Coefficients,
    coefficient_columns,
    read_coefficients,
)
from tokenry_spectrum.kinds._gaia_matrices import (
    Matrix,
    Mode,
    Sampling,
    alone,
    check_sampling,
    gaia_matrices,
)
from tokenry_spectrum.kinds._kind import Assets, Group, Kind


@dataclass(frozen=True, kw_only=True)
class GaiaXpGroup(Group):
    """Options of the kind `gaiaxpy_xp`."""

    xp_band: Literal["BP", "RP", "BOTH"] = with_doc(
        "the photometer; BOTH joins them, with mode calibrate"
    )
    mode: Mode = with_doc(
        "convert: sampled in pseudo-wavelength; calibrate: absolute flux by wavelength", "convert"
    )
    sampling: Sampling | None = with_doc(
        "first position, last position and their number; default: GaiaXPy's", None
    )
    truncation: bool = with_doc("leave out the bases that are not relevant", False)

    def __post_init__(self) -> None:
        check_sampling(self.mode, self.sampling)
        if self.xp_band == "BOTH" and self.mode == "convert":
            raise ConfigError(
                "xp_band is BOTH and mode is convert; the bands join only when calibrated: give"
                " mode: calibrate, or one group per band"
            )


class GaiaXp(Kind[GaiaXpGroup]):
    """Each point is the flux that GaiaXPy's `convert` or `calibrate` would give there.

    The flux is a fixed linear map of the coefficients: a batch is one product with GaiaXPy's own
    matrices, which are kept in the artifact. A source without the band has an empty row.
    """

    Config = GaiaXpGroup
    dims = 1
    ragged = True

    @property
    def bands(self) -> tuple[str, ...]:
        """The bands that are read."""
        band = self.group.xp_band.lower()
        return ("bp", "rp") if band == "both" else (band,)

    def columns(self, schema: pa.Schema) -> Sequence[str]:
        """Coefficients, with or without the prefix gaiaxp_; with truncation, how many count."""
        truncation = self.group.truncation
        return [c for band in self.bands for c in coefficient_columns(schema, band, truncation)]

    def assets(self) -> Assets:
        """The matrices, weights and positions that encoding needs."""
        whole = gaia_matrices(self.group.mode, self.group.sampling)
        names = ["positions", *self.bands, *(f"{band}_weight" for band in self.bands)]
        return {name: whole[name] for name in names if name in whole}

    def read(self, batch: pa.RecordBatch, assets: Assets) -> Points:
        """Points of rows that have the band, or one of both."""
        found = {band: read_coefficients(batch, band, self.group.truncation) for band in self.bands}
        present = np.logical_or.reduce([one.present for one in found.values()])
        size = len(assets["positions"])
        bad = {row: why for one in found.values() for row, why in one.bad.items()}

        def features(first: int, last: int) -> Features:
            rows = np.flatnonzero(present)[first // size : -(-last // size)]
            flux = as_float32(xp_flux(found, rows, assets)).ravel()
            return flux[None, first - first // size * size :][:, : last - first]

        return Points(present * np.int64(size), present, features, bad)

    def values(self, features: NDArray[np.float64], assets: Assets) -> Mapping[str, NDArray[Any]]:
        """The flux; coefficients cannot be had back from it."""
        return {f"{self.group.name}_flux": features[0]}

    def axis(self, points: int, assets: Assets) -> tuple[NDArray[np.float64], str]:
        """GaiaXPy's positions."""
        unit = "pseudo-wavelength" if self.group.mode == "convert" else "wavelength [nm]"
        return assets["positions"], unit


def xp_flux(bands: Mapping[str, Coefficients], rows: NDArray[np.int64], assets: Assets) -> Matrix:
    """Give the flux (rows x positions) of rows that have the band, or at least one of both.

    Calibrated bands are joined by GaiaXPy's weights where a row has both; a calibrated band alone
    is NaN beyond its own range.
    """
    parts = {band: _of_rows(one, rows) for band, one in bands.items()}
    if len(parts) == 1:
        ((band, part),) = parts.items()
        return _one_band(band, part, assets)
    joined = np.concatenate([assets[band] * assets[f"{band}_weight"] for band in parts])
    flux = _product(np.concatenate(list(parts.values()), axis=1), joined)
    for band, other in (("bp", "rp"), ("rp", "bp")):
        single = ~bands[other].present[rows]
        flux[single] = _one_band(band, parts[band][single], assets)
    return flux


def _of_rows(one: Coefficients, rows: NDArray[np.int64]) -> Matrix:
    """Coefficients of these rows; zero where a row lacks the band."""
    there = one.present[rows]
    place = np.cumsum(one.present)[rows[there]] - 1
    if there.all():
        return np.asarray(one.values[place])
    out = np.zeros((len(rows), one.values.shape[1]))
    out[there] = one.values[place]
    return out


def _one_band(band: str, coefficients: Matrix, assets: Assets) -> Matrix:
    flux = _product(coefficients, assets[band])
    if f"{band}_weight" in assets:
        flux[:, ~alone(band, assets["positions"])] = np.nan
    return flux


def _product(coefficients: Matrix, matrix: Matrix) -> Matrix:
    out = np.empty((len(coefficients), matrix.shape[1]))

    def part(first: int, last: int) -> None:
        _kernels.row_product(coefficients, matrix, first, last, out)

    spread(part, len(out), max(1, len(out) // 64))
    return out
