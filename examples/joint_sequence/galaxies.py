"""A small survey of galaxies, of which every measurement depends on one hidden redshift z.

- z is uniform between 0 and 1. Colours redden with it, g - r = 0.3 + 1.2 z, and so do
  magnitudes, r = 18 + 4 z, both with a scatter of their own.
- A spectrum is flat, with one emission line whose wavelength is stretched: 500 nm (1 + z).
- A cutout is a round blob, smaller where the galaxy is farther: 1.5 + 2.5 (1 - z) pixels.
- Noise is Gaussian; some magnitudes are missing.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

GRID = np.linspace(450.0, 1050.0, 31)  # nm
SIZE, NOISE = 16, 0.1


def galaxies(count: int, seed: int) -> pa.Table:
    """Give a table of galaxies: ids, magnitudes, spectra with inverse variance, cutouts."""
    random = np.random.default_rng(seed)
    z = random.random(count)
    magnitude = 18 + 4 * z + random.normal(size=count) * 0.5
    line = 3 * np.exp(-(((GRID - 500 * (1 + z[:, None])) / 30) ** 2))
    flux = 1 + line + random.normal(size=line.shape) * NOISE
    place = np.arange(SIZE) - (SIZE - 1) / 2
    squared = place[:, None] ** 2 + place**2
    blobs = np.exp(-squared / (2 * (1.5 + 2.5 * (1 - z)) ** 2)[:, None, None])
    cutouts = blobs + random.normal(size=blobs.shape) * 0.05
    return pa.table(
        {
            "galaxy_id": np.arange(count) + 1_000_000 * seed,
            "mag_r": np.where(random.random(count) < 0.05, np.nan, magnitude),
            "g_r": 0.3 + 1.2 * z + random.normal(size=count) * 0.05,
            "flux": list(flux.astype(np.float32)),
            "ivar": list(np.full(flux.shape, 1 / NOISE**2, np.float32)),
            "cutout": list(cutouts.reshape(count, -1).astype(np.float32)),
            "z": z,
        }
    )


def write(folder: Path, count: int) -> None:
    """Write the survey as two Parquet files."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(2):
        pq.write_table(galaxies(count // 2, seed), folder / f"part{seed}.parquet")
