"""K-means codebooks: trained the same everywhere, near ids for near values."""

from tokenry_spectrum.codebook._fit import Codebook, fit_codebook

__all__ = ["Codebook", "fit_codebook"]
