"""Gaia's spectra from their coefficients: against GaiaXPy itself.

`python tests/benchmarks/spectrum/bench_gaia.py [--quick]`; needs the extra [gaia]. Both give the
same flux to 1e-12 of a row's maximum, in sampled and in calibrated form.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa

from tokenry_benchmarks import Row, contend, report
from tokenry_core import build_config
from tokenry_spectrum.kinds import GaiaXp
from tokenry_spectrum.kinds._coefficients import read_coefficients
from tokenry_spectrum.kinds._gaia import xp_flux

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from gaiaxpy.calibrator.calibrator import _calibrate
    from gaiaxpy.converter.converter import _convert


def archive(rows):
    random = np.random.default_rng(0)
    table = {"source_id": np.arange(rows)}
    for band in ("bp", "rp"):
        table[f"{band}_n_parameters"] = np.full(rows, 55)
        table[f"{band}_standard_deviation"] = np.ones(rows)
        decay = 1e4 * np.exp(-np.arange(55) / 6)
        table[f"{band}_coefficients"] = list(random.normal(size=(rows, 55)) * decay)
        table[f"{band}_coefficient_errors"] = list(np.ones((rows, 55)))
        table[f"{band}_coefficient_correlations"] = list(np.zeros((rows, 55 * 27)))
    return table


def quietly(function, frame):
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        return function(frame, save_file=False, disable_info=True)[0]


def row_of(mode, table, function, repeats):
    frame = pd.DataFrame(table)
    columns = {f"{b}_coefficients": table[f"{b}_coefficients"] for b in ("bp", "rp")}
    batch = pa.record_batch({name: pa.array(values) for name, values in columns.items()})
    bands = ("BP", "RP") if mode == "convert" else ("BOTH",)
    options = {"name": "x", "kind": "gaiaxpy_xp", "mode": mode}
    kinds = [GaiaXp(build_config(GaiaXp.Config, {**options, "xp_band": b})) for b in bands]
    rows = np.arange(batch.num_rows)

    def ours():
        out = []
        for kind in kinds:
            found = {band: read_coefficients(batch, band, False) for band in kind.bands}
            out.append(xp_flux(found, rows, kind.assets()))
        return out

    theirs = quietly(function, frame)
    for band, flux in zip(bands, ours(), strict=True):
        expected = np.stack(
            list(theirs["flux"] if band == "BOTH" else theirs[theirs.xp == band].flux)
        )
        assert (np.abs(flux - expected).max(1) <= 1e-12 * np.abs(expected).max(1)).all()
    seconds = contend({"ours": ours, "theirs": lambda: quietly(function, frame)}, repeats)
    return Row(f"{batch.num_rows} sources, {mode}", "row product", seconds["ours"],
               f"GaiaXPy {mode}", seconds["theirs"], ">= 100")  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    table = archive(100 if quick else 2000)
    repeats = 3
    report("spectrum: Gaia", [
        row_of("convert", table, _convert, repeats),
        row_of("calibrate", table, _calibrate, repeats),
    ])  # fmt: skip


if __name__ == "__main__":
    main()
