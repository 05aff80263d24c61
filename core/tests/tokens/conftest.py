"""Arrays of the three libraries, and the mask rules written out as plain loops."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest


@dataclass(frozen=True)
class Library:
    name: str
    array: Callable[[Any], Any]

    def tree(self, data: Any) -> Any:
        if isinstance(data, dict):
            return {key: self.tree(value) for key, value in data.items()}
        return self.array(np.asarray(data, np.float32))


def _library(name: str) -> Library:
    if name == "torch":
        import torch

        return Library(name, lambda a: torch.from_numpy(np.array(a)))
    if name == "jax":
        import jax.numpy as jnp

        return Library(name, lambda a: jnp.asarray(np.array(a)))
    return Library(name, np.array)


@pytest.fixture(params=["numpy", "torch", "jax"])
def library(request: pytest.FixtureRequest) -> Library:
    return _library(request.param)


@pytest.fixture
def hierarchy() -> dict[str, np.ndarray]:
    """A 2-level structure: a global mean, a parameter of each site, three observations of each."""
    rng = np.random.default_rng(0)
    shapes = {"mu": (4, 1, 1), "theta": (4, 5, 1), "obs": (4, 5, 3, 1)}
    return {key: rng.normal(size=shape).astype(np.float32) for key, shape in shapes.items()}


@pytest.fixture
def hierarchical_independence() -> dict[str, Any]:
    return {
        "local": ["obs", "theta"],
        "cross": [("mu", "obs"), ("obs", "mu")],
        "cross_local": [("theta", "obs", (0, 0))],
    }


def _tokens(event_shapes: dict[str, tuple[int, ...]]) -> Iterator[tuple[str, tuple[int, ...], int]]:
    for key, shape in event_shapes.items():
        for place, index in enumerate(itertools.product(*map(range, shape))):
            yield key, index, place


def _brute_force(event_shapes: dict[str, tuple[int, ...]], rules: dict[str, Any]) -> np.ndarray:
    """Apply the rules to every pair of tokens, one pair and one rule at a time."""
    tokens = list(_tokens(event_shapes))
    mask = np.ones((len(tokens), len(tokens)), np.float32)
    for row, (q, q_index, q_place) in enumerate(tokens):
        for column, (k, k_index, k_place) in enumerate(tokens):
            for a, b in rules.get("cross", []):
                if (q, k) == (a, b):
                    mask[row, column] = 0
            for a in rules.get("local", []):
                if q == k == a:
                    mask[row, column] = 0
            for a, b, dimensions in rules.get("cross_local", []):
                if a not in event_shapes or b not in event_shapes:
                    continue
                if (q, k) not in [(a, b), (b, a)]:
                    continue
                mask[row, column] = 0
                i, j = dimensions or (None, None)
                if (q, k) == (a, b):
                    same = q_place == k_place if i is None else q_index[i] == k_index[j]
                    mask[row, column] = max(mask[row, column], float(same))
                if (q, k) == (b, a):
                    same = q_place == k_place if i is None else q_index[j] == k_index[i]
                    mask[row, column] = max(mask[row, column], float(same))
    return mask


@pytest.fixture(scope="session")
def brute_force_mask() -> Callable[[dict[str, tuple[int, ...]], dict[str, Any]], np.ndarray]:
    return _brute_force
