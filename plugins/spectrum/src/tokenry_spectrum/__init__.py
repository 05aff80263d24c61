"""Codebook tokens of spectra and light curves: exact, and ragged where the data is ragged."""

from typing import TYPE_CHECKING

from tokenry_core._lazy import lazy_names

if TYPE_CHECKING:
    from ._config import SpectrumConfig as SpectrumConfig
    from ._tokenizer import SpectrumTokenizer as SpectrumTokenizer
    from .codebook import Codebook as Codebook
    from .codebook import fit_codebook as fit_codebook
    from .nearest import NearestCentroid as NearestCentroid

_HOMES = {
    "Codebook": "codebook",
    "NearestCentroid": "nearest",
    "SpectrumConfig": "_config",
    "SpectrumTokenizer": "_tokenizer",
    "fit_codebook": "codebook",
}
__getattr__, __all__ = lazy_names(__name__, _HOMES)
