"""Metrics, calibration, tables of scores, and matching against a gallery."""

from typing import TYPE_CHECKING

from tokenry_core._lazy import lazy_names

if TYPE_CHECKING:
    from ._blocks import score_blocks as score_blocks
    from ._blocks import score_matrix as score_matrix
    from ._calibration import fit_temperature as fit_temperature
    from ._calibration import threshold_at as threshold_at
    from ._evaluate import evaluate_pair_matching_model as evaluate_pair_matching_model
    from ._evaluate import score_pairs as score_pairs
    from ._matching import Match as Match
    from ._matching import match as match
    from ._metrics import curve_of as curve_of
    from ._metrics import pair_metrics as pair_metrics
    from ._metrics import probabilities as probabilities
    from ._metrics import reliability as reliability
    from ._vectors import set_vectors as set_vectors

_HOMES = {
    "score_blocks": "_blocks",
    "score_matrix": "_blocks",
    "fit_temperature": "_calibration",
    "threshold_at": "_calibration",
    "evaluate_pair_matching_model": "_evaluate",
    "score_pairs": "_evaluate",
    "Match": "_matching",
    "match": "_matching",
    "curve_of": "_metrics",
    "pair_metrics": "_metrics",
    "probabilities": "_metrics",
    "reliability": "_metrics",
    "set_vectors": "_vectors",
}
__getattr__, __all__ = lazy_names(__name__, _HOMES)
