"""The first pass over a column: tables of counts, and exact sums."""

from tokenry_scalar.counting._counts import Counts
from tokenry_scalar.counting._sums import mean_of, new_sum
from tokenry_scalar.counting._tables import Tables

__all__ = ["Counts", "Tables", "mean_of", "new_sum"]
