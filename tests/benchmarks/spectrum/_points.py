"""Points as spectra have them: a heavy-tailed flux, a weight of two humps, a phase."""

from __future__ import annotations

import numpy as np


def points(n, d, seed=0):
    """Give n standardised points of d dimensions, float32, in rows."""
    random = np.random.default_rng(seed)
    flux = random.standard_t(3, n)
    hump = np.where(random.random(n) < 0.3, 1.5, -0.6)
    weight = 0.6 * random.standard_normal(n) + hump - 0.2 * np.abs(flux)
    phase = 3 * random.random(n)
    x = np.stack([flux, weight, phase][:d], axis=1)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    return np.ascontiguousarray(np.clip(x, -30, 30), np.float32)
