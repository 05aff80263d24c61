"""Pictures of a trained model: curves, calibration, and its worst mistakes."""

from typing import TYPE_CHECKING

from tokenry_core._lazy import lazy_names

if TYPE_CHECKING:
    from ._curves import calibration_panel as calibration_panel
    from ._curves import precision_panel as precision_panel
    from ._curves import roc_panel as roc_panel
    from ._mistakes import Mistake as Mistake
    from ._mistakes import mistakes_panel as mistakes_panel
    from ._mistakes import worst_pairs as worst_pairs
    from ._page import write_page as write_page
    from ._panels import curves as curves
    from ._panels import panels_of as panels_of
    from ._panels import write_scores_page as write_scores_page

_HOMES = {
    "calibration_panel": "_curves",
    "precision_panel": "_curves",
    "roc_panel": "_curves",
    "Mistake": "_mistakes",
    "mistakes_panel": "_mistakes",
    "worst_pairs": "_mistakes",
    "write_page": "_page",
    "curves": "_panels",
    "panels_of": "_panels",
    "write_scores_page": "_panels",
}
__getattr__, __all__ = lazy_names(__name__, _HOMES)
