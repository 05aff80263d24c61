"""From counts to quantiles: exactly in further passes, or nearly at once."""

from tokenry_scalar.search._one_pass import snapped
from tokenry_scalar.search._quantiles import QuantileRanks
from tokenry_scalar.search._search import Inside, Partial, Parts, RankSearch

__all__ = ["Inside", "Partial", "Parts", "QuantileRanks", "RankSearch", "snapped"]
