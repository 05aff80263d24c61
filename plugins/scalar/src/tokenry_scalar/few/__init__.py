"""Counts of distinct values, while they are few."""

from tokenry_scalar.few._few import Few

__all__ = ["Few"]
