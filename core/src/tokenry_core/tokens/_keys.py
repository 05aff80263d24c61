"""Random keys that any library takes: the same seed gives the same draws, batch by batch."""

from __future__ import annotations

import sys
from typing import Any, TypeAlias

import numpy as np

from ..errors import ConfigError
from ._backend import DYNAMIC, is_jax, is_traced

Key: TypeAlias = Any
"""Two uint32 numbers, or the typed JAX key that was given as the seed."""


def batch_keys(seed: Any, batch: int) -> tuple[Key, Key]:
    """Give the two keys of a batch, for the prior and the simulator.

    A key is a NumPy array of two uint32 numbers: `np.random.default_rng(key)` takes it, so do
    JAX's random functions, and `torch.Generator().manual_seed(int(key[0]))`. A seed that is a
    typed JAX key gives typed JAX keys.

    >>> prior, simulator = batch_keys(0, batch=3)
    >>> prior.dtype, prior.shape, bool((prior == simulator).all())
    (dtype('uint32'), (2,), False)
    """
    high, low, wrap = _root(seed)
    draws = np.random.SeedSequence([low, high], spawn_key=(batch,)).generate_state(4)
    return wrap(draws[:2]), wrap(draws[2:])


def _root(seed: Any) -> tuple[int, int, Any]:
    if is_traced(seed):
        raise ConfigError(f"{DYNAMIC} The seed must be known: draw outside of jit.")
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool) and 0 <= seed < 2**64:
        return int(seed) >> 32, int(seed) & 0xFFFFFFFF, np.asarray
    if is_jax(seed) and str(seed.dtype).startswith("key<"):
        random = sys.modules["jax"].random
        high, low = np.asarray(random.key_data(seed)).ravel()[:2]
        kind = random.key_impl(seed)
        return int(high), int(low), lambda key: random.wrap_key_data(key, impl=kind)
    pair = np.asarray(seed) if hasattr(seed, "shape") else None
    if pair is not None and pair.shape == (2,) and pair.dtype == np.uint32:
        return int(pair[0]), int(pair[1]), np.asarray
    raise ConfigError(
        f"The seed is {seed!r}; give a whole number from 0 to 2**64 - 1, or a JAX key."
    )
