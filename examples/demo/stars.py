"""A small catalog of stars with documented physics, for the demo.

- Temperatures are log-uniform between 3,000 and 12,000 K; radii follow the main sequence roughly,
  R = (T / 5,772 K)^1.5 solar radii; distances are uniform in volume out to 500 pc.
- A star's spectrum is Planck's law at its temperature, B(lambda, T), times (R / d)^2, with a
  Gaussian absorption line at 656.28 nm (H-alpha) that is deepest near 9,500 K; the noise is
  Gaussian with a known variance, whose inverse is given.
- Magnitudes are -2.5 log10 of the flux in a band, up to one zero point for all, with noise that
  grows towards faint stars; parallax is 1000 / d mas with a Gaussian error of 0.1 mas.
- A tenth of the g magnitudes and some spectra are missing, as in real surveys.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

GRID = np.linspace(400.0, 900.0, 251)  # nm
BANDS = {"mag_g": (400.0, 550.0), "mag_r": (550.0, 700.0), "mag_i": (700.0, 850.0)}
H_PLANCK, C_LIGHT, K_BOLTZMANN = 6.62607015e-34, 2.99792458e8, 1.380649e-23


def planck(wavelength: np.ndarray, temperature: np.ndarray) -> np.ndarray:
    """Spectral radiance, rows of temperature by columns of wavelength in nm."""
    metres = wavelength[None, :] * 1e-9
    exponent = H_PLANCK * C_LIGHT / (metres * K_BOLTZMANN * temperature[:, None])
    return 2 * H_PLANCK * C_LIGHT**2 / metres**5 / np.expm1(exponent)


def stars(count: int, seed: int) -> pa.Table:
    """Give a table of stars: ids, magnitudes, parallax, and spectra with inverse variance."""
    random = np.random.default_rng(seed)
    temperature = np.exp(random.uniform(np.log(3000), np.log(12000), count))
    radius = (temperature / 5772) ** 1.5
    distance = 500 * random.random(count) ** (1 / 3)
    depth = 0.6 * np.exp(-(((temperature - 9500) / 2500) ** 2))
    line = 1 - depth[:, None] * np.exp(-(((GRID - 656.28) / 2.0) ** 2))[None, :]
    flux = planck(GRID, temperature) * line * (radius / distance)[:, None] ** 2
    flux /= np.median(flux)
    columns: dict[str, object] = {
        "source_id": 4_000_000_000_000_000_000 + random.permutation(count)
    }
    for name, (low, high) in BANDS.items():
        inside = (low <= GRID) & (high > GRID)
        magnitude = 19 - 2.5 * np.log10(flux[:, inside].mean(1))
        columns[name] = magnitude + random.normal(size=count) * 0.01 * 10 ** ((magnitude - 19) / 5)
    columns["mag_g"] = np.where(random.random(count) < 0.1, np.nan, columns["mag_g"])
    columns["parallax"] = 1000 / distance + random.normal(size=count) * 0.1
    sigma = 0.05 * flux.mean(1, keepdims=True) + 0.002
    noisy = (flux + random.normal(size=flux.shape) * sigma).astype(np.float32)
    weight = np.broadcast_to(1 / sigma**2, flux.shape).astype(np.float32)
    seen = random.random(count) < 0.95
    columns["flux"] = pa.array([row if s else None for row, s in zip(noisy, seen, strict=True)])
    columns["ivar"] = pa.array([row if s else None for row, s in zip(weight, seen, strict=True)])
    return pa.table(columns)


def write(folder: Path, files: int = 4, count: int = 5_000) -> None:
    """Write the catalog as Parquet files."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(files):
        pq.write_table(stars(count, seed=i), folder / f"stars{i}.parquet", row_group_size=count)
