"""Which rows have an image, which lack one, and which cannot be used."""

from __future__ import annotations

import numpy as np

from tokenry_core import Array

from ._columns import Images
from ._config import ImageConfig

__all__ = ["judge"]


def judge(images: Images, seen: Array, config: ImageConfig) -> tuple[Array, dict[int, str]]:
    """Give a mask of the rows that are missing, and the rows that are bad (they come first).

    `seen` is (rows, bands): whether any pixel counts. A null band makes a row missing, and a band
    without any finite pixel makes it bad; with `absent_band: mask` both only when no band is left.
    """
    bad = dict(images.bad)
    blind = ~seen & ~images.absent
    if config.absent_band == "mask":
        nothing = ~seen.any(1)
        missing = np.asarray(nothing & images.absent.all(1))
        blind = blind & (nothing & ~missing)[:, None]
    else:
        missing = np.asarray(images.absent.any(1))
        blind = blind & ~missing[:, None]
    for row in np.flatnonzero(blind.any(1)).tolist():
        named = ", ".join(
            band for band, is_blind in zip(config.bands, blind[row], strict=True) if is_blind
        )
        bad.setdefault(row, f"no finite pixel to be used in band {named}")
    return missing, bad
