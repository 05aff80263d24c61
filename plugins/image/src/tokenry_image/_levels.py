"""How many levels finite scalar quantisation gives to each latent dimension."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from tokenry_core.errors import ConfigError

__all__ = ["fsq_levels"]

_LEAST = 3  # two levels have no middle, and the straight-through estimator nothing to hold on to


@cache
def fsq_levels(codebook_size: int, dim: int) -> tuple[int, ...]:
    """Give `dim` whole numbers, as equal as can be, whose product is the codebook's size.

    >>> fsq_levels(1024, 5), fsq_levels(1000, 4)
    ((4, 4, 4, 4, 4), (8, 5, 5, 5))
    """
    found = list(_factors(codebook_size, dim, codebook_size))
    if not found:
        raise ConfigError(
            f"codebook_size: {codebook_size} is no product of {dim} whole numbers from {_LEAST} on,"
            f" one for each of latent_dim dimensions; {_advice(codebook_size, dim)}"
        )
    return min(found, key=lambda levels: (levels[0] / levels[-1], levels))


def _factors(size: int, dim: int, most: int) -> Iterator[tuple[int, ...]]:
    """Give the falling sequences of `dim` factors whose product is `size`."""
    if dim == 1:
        if _LEAST <= size <= most:
            yield (size,)
        return
    for first in range(min(most, size // _LEAST ** (dim - 1)), _LEAST - 1, -1):
        if size % first == 0:
            for rest in _factors(size // first, dim - 1, first):
                yield (first, *rest)


def _advice(size: int, dim: int) -> str:
    near = (size + sign * step for step in range(1, size) for sign in (-1, 1))
    close = next((n for n in near if any(_factors(n, dim, n))), None)
    dims = [d for d in range(1, 17) if d != dim and any(_factors(size, d, size))]
    other = f"take latent_dim {' or '.join(map(str, dims))}" if dims else ""
    return " or ".join(
        filter(None, (f"the nearest that is one is {close}" if close else "", other))
    )
