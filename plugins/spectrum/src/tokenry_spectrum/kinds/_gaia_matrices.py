"""GaiaXPy's own matrices: flux is a fixed linear map of the coefficients."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import warnings
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tokenry_core.errors import ConfigError

Matrix = NDArray[np.float64]
Mode = Literal["convert", "calibrate"]
Sampling = tuple[float, float, int]

BANDS = ("bp", "rp")
BASES = 55
_MODELS = ("v375wi", "v142r")  # GaiaXPy's defaults of `calibrate`
_LIMITS = {"convert": (-10.0, 70.0), "calibrate": (330.0, 1050.0)}
# A band alone says nothing beyond its own range: GaiaXPy's `calibrate` gives NaN there.
_BP_END, _RP_START = 643.0, 635.0


def check_sampling(mode: Mode, sampling: Sampling | None) -> None:
    """Refuse positions that GaiaXPy would refuse, before any work."""
    if sampling is None:
        return
    first, last, number = sampling
    low, high = _LIMITS[mode]
    if not (low <= first < last <= high and number >= 2):
        raise ConfigError(
            f"sampling is {list(sampling)}; allowed for {mode} is [first, last, number] with"
            f" {low:g} <= first < last <= {high:g} and a number of at least 2"
        )


@lru_cache(maxsize=8)
def gaia_matrices(mode: Mode, sampling: Sampling | None) -> Mapping[str, Matrix]:
    """Give `positions`, and `bp` and `rp` (55 x positions); for `calibrate` also their weights.

    Without GaiaXPy the error says what to install.
    """
    try:
        with _quiet():
            return _convert(sampling) if mode == "convert" else _calibrate(sampling)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"a group of the kind gaiaxpy_xp is trained with GaiaXPy, and {error.name} is not"
            ' installed: pip install "tokenry-spectrum[gaia]". Encoding with a trained artifact'
            " does without it"
        ) from error


def _convert(sampling: Sampling | None) -> Mapping[str, Matrix]:
    from gaiaxpy.config.paths import hermite_bases_file
    from gaiaxpy.converter.config import parse_config
    from gaiaxpy.converter.converter import get_design_matrices

    positions = np.linspace(*(sampling or (0.0, 60.0, 600)))
    sampled = get_design_matrices(positions, parse_config(hermite_bases_file))
    return _frozen(positions=positions, **{band: sampled[band].design_matrix for band in BANDS})


def _calibrate(sampling: Sampling | None) -> Mapping[str, Matrix]:
    from gaiaxpy.calibrator import calibrator

    grid = None if sampling is None else np.linspace(*sampling)
    make: Any = vars(calibrator)["__generate_xp_matrices_and_merge"]
    sampled, weights = make("calibrator", grid, *_MODELS)
    return _frozen(
        positions=sampled["bp"].sampling_grid,
        **{band: sampled[band].design_matrix for band in BANDS},
        **{f"{band}_weight": weights[band] for band in BANDS},
    )


def alone(band: str, positions: Matrix) -> NDArray[np.bool_]:
    """Mark where a calibrated band is known without the other."""
    return positions < _BP_END if band == "bp" else positions > _RP_START


def _frozen(**arrays: Any) -> Mapping[str, Matrix]:
    out = {name: np.array(array, np.float64, order="C") for name, array in arrays.items()}
    for array in out.values():
        array.flags.writeable = False  # shared by everyone who asks
    return out


@contextlib.contextmanager
def _quiet() -> Any:
    """Keep to GaiaXPy what it prints and warns about, and the settings that importing it changes.

    It turns NumPy's print options back to those of 1.25, and has every plot written by TeX.
    """
    plots: Any = contextlib.nullcontext()
    if importlib.util.find_spec("matplotlib"):
        from matplotlib import rc_context

        plots = rc_context()
    with (
        plots,
        np.printoptions(),
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield
