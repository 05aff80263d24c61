"""Names that stand for whole group definitions, and groups found by the names of columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from tokenry_core.errors import ConfigError, nearest

# First wavelength and step, in Angstrom, of the three arms of DESI's coadded spectra.
_DESI = {"b": (3600.0, 0.8), "r": (5760.0, 0.8), "z": (7520.0, 0.8)}
_ZTF_MAG = re.compile(r"ztf_mag_(\w+)")


def _ztf(band: str, *, time: bool = True) -> dict[str, Any]:
    columns = {"mag_col": f"ztf_mag_{band}", "err_col": f"ztf_magerr_{band}"}
    if time:
        columns["time_col"] = f"ztf_hmjd_{band}"
    return {"name": f"ztf_{band}", "kind": "ztf_mag_err", **columns}


PRESETS: Mapping[str, Mapping[str, Any]] = {
    **{
        f"desi_{arm}": {
            "name": f"desi_{arm}",
            "kind": "flux_ivar",
            "flux_col": f"desi_flux_{arm}",
            "ivar_col": f"desi_ivar_{arm}",
            "grid": grid,
        }
        for arm, grid in _DESI.items()
    },
    **{
        f"gaiaxp_{band.lower()}": {
            "name": f"gaiaxp_{band.lower()}",
            "kind": "gaiaxpy_xp",
            "xp_band": band,
        }
        for band in ("BP", "RP")
    },
    **{f"ztf_{band}": _ztf(band) for band in "gri"},
}


def preset(name: str) -> Mapping[str, Any]:
    """Give the definition that a preset's name stands for.

    >>> preset("gaiaxp_bp")
    {'name': 'gaiaxp_bp', 'kind': 'gaiaxpy_xp', 'xp_band': 'BP'}
    """
    if name not in PRESETS:
        raise ConfigError(
            f'"{name}" is no preset; there are: {", ".join(PRESETS)}.{nearest(name, PRESETS)}'
            " Any other group is a mapping with name, kind and its columns"
        )
    return PRESETS[name]


def ztf_groups(schema: pa.Schema) -> list[dict[str, Any]]:
    """Find light curves: ztf_mag_X with ztf_magerr_X, and ztf_hmjd_X where it is there.

    >>> columns = ["ztf_mag_g", "ztf_magerr_g", "ztf_mag_r"]
    >>> ztf_groups(pa.schema([(name, pa.list_(pa.float32())) for name in columns]))
    [{'name': 'ztf_g', 'kind': 'ztf_mag_err', 'mag_col': 'ztf_mag_g', 'err_col': 'ztf_magerr_g'}]
    """
    bands = ztf_bands(schema.names)
    return [_ztf(band, time=f"ztf_hmjd_{band}" in schema.names) for band in bands]


def ztf_bands(names: Iterable[str]) -> list[str]:
    """Give the bands that have magnitudes and errors, sorted."""
    there = set(names)
    found = (match[1] for match in map(_ZTF_MAG.fullmatch, there) if match)
    return sorted(band for band in found if f"ztf_magerr_{band}" in there)
