"""Training: quantiles of any number of rows by passes of mergeable states."""

from tokenry_scalar.training._admit import admitted
from tokenry_scalar.training._column import Column
from tokenry_scalar.training._sample import Rows
from tokenry_scalar.training._state import TrainingState

__all__ = ["Column", "Rows", "TrainingState", "admitted"]
