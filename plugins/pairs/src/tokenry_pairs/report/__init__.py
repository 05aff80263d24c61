"""Pictures of a trained model: curves, calibration, and its worst mistakes."""

from typing import TYPE_CHECKING

from tokenry_core._lazy import lazy_names

if TYPE_CHECKING:
    from ._panels import panels_of as panels_of
    from ._panels import write_scores_page as write_scores_page

_HOMES = {
    "panels_of": "_panels",
    "write_scores_page": "_panels",
}
__getattr__, __all__ = lazy_names(__name__, _HOMES)
