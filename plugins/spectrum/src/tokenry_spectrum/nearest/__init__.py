"""Exact nearest centroid, fast in one, two and three dimensions."""

from tokenry_spectrum.nearest._nearest import NearestCentroid

__all__ = ["NearestCentroid"]
