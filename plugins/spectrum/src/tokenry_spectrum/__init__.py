"""Codebook tokens of spectra and light curves: exact, and ragged where the data is ragged."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._config import SpectrumConfig as SpectrumConfig
    from ._tokenizer import SpectrumTokenizer as SpectrumTokenizer
    from .codebook import Codebook as Codebook
    from .codebook import fit_codebook as fit_codebook
    from .nearest import NearestCentroid as NearestCentroid

__all__ = ["Codebook", "NearestCentroid", "SpectrumConfig", "SpectrumTokenizer", "fit_codebook"]

_HOMES = {
    "Codebook": "codebook",
    "NearestCentroid": "nearest",
    "SpectrumConfig": "_config",
    "SpectrumTokenizer": "_tokenizer",
    "fit_codebook": "codebook",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
