"""Training: the loss, the plan, and the loop that makes a model of labelled images."""

from typing import TYPE_CHECKING

from tokenry_core._lazy import lazy_names

if TYPE_CHECKING:
    from ._loss import PairMatchingLoss as PairMatchingLoss
    from ._plan import Stage as Stage
    from ._plan import TrainingPlan as TrainingPlan
    from ._train import train_pair_matching_model as train_pair_matching_model

_HOMES = {
    "PairMatchingLoss": "_loss",
    "Stage": "_plan",
    "TrainingPlan": "_plan",
    "train_pair_matching_model": "_train",
}
__getattr__, __all__ = lazy_names(__name__, _HOMES)
