"""Simulated batches of tokens: one at a time, or all at once, and the same either way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..errors import ConfigError
from ._backend import as_arrays, concat, static_int
from ._independence import Independence
from ._keys import Key, batch_keys
from ._tokens import Tokens

PriorFn = Callable[[Key, int], Mapping[str, Any]]
SimulatorFn = Callable[[Key, Any], Mapping[str, Any]]
FunctionalInputFn = Callable[[Any], Any]


class TokenGenerator:
    """Draws batches when they are asked for; iterating again draws the same ones.

    `prior_fn(key, n)` gives parameters, `simulator_fn(key, parameters)` observations and
    `functional_input_fn(parameters)` functional inputs, each with the samples first. A key is two
    uint32 numbers that NumPy and JAX take as they are; a JAX key as the seed gives JAX keys.

    >>> import numpy as np
    >>> generator = TokenGenerator(
    ...     prior_fn=lambda key, n: {"mu": np.random.default_rng(key).normal(size=(n, 1))},
    ...     simulator_fn=lambda key, p: {"obs": np.repeat(p["mu"][:, None], 5, axis=1)},
    ...     functional_input_fn=None,
    ...     independence={"local": ["obs"]},
    ...     n_samples=64,
    ...     batch_size=16,
    ...     seed=0,
    ... )
    >>> len(generator), [batch.data.shape for batch in generator][0]
    (4, (16, 6, 1))
    """

    def __init__(
        self,
        prior_fn: PriorFn,
        simulator_fn: SimulatorFn,
        functional_input_fn: FunctionalInputFn | None,
        independence: Independence | Mapping[str, Any] | None,
        n_samples: int,
        batch_size: int,
        seed: Any,
        *,
        batch_ndims: Any = None,
        key_order: Sequence[str] | None = None,
    ) -> None:
        self.prior_fn = prior_fn
        self.simulator_fn = simulator_fn
        self.functional_input_fn = functional_input_fn
        self.independence = Independence.of(independence)
        self.n_samples = static_int(n_samples, "n_samples")
        self.batch_size = static_int(batch_size, "batch_size")
        self.seed = seed
        self.batch_ndims = batch_ndims
        self.key_order = key_order
        if self.batch_size == 0 or self.n_samples % self.batch_size:
            raise ConfigError(
                f"n_samples is {n_samples}, which is no whole number of batches of {batch_size}. "
                "Choose sizes of which one divides the other."
            )
        batch_keys(seed, 0)

    def __len__(self) -> int:
        """Give the number of batches."""
        return self.n_samples // self.batch_size

    def __iter__(self) -> Iterator[Tokens]:
        """Draw the batches in order."""
        return (self.batch(number) for number in range(len(self)))

    def batch(self, number: int) -> Tokens:
        """Draw one batch, which depends on the seed and its number alone."""
        return self._draw(number, self.batch_size)

    def _draw(self, number: int, size: int) -> Tokens:
        prior_key, simulator_key = batch_keys(self.seed, number)
        parameters = self.prior_fn(prior_key, size)
        observations = self.simulator_fn(simulator_key, parameters)
        both = sorted(set(parameters) & set(observations))
        if both:
            raise ConfigError(f"prior_fn and simulator_fn both give {both}. Rename one.")
        inputs = self.functional_input_fn(parameters) if self.functional_input_fn else None
        return Tokens.from_pytree(
            {**parameters, **observations},
            self.independence,
            functional_inputs=inputs,
            batch_ndims=self.batch_ndims,
            key_order=self.key_order,
        )


def generate_static_dataset(
    key: Any,
    prior_fn: PriorFn,
    simulator_fn: SimulatorFn,
    functional_input_fn: FunctionalInputFn | None,
    independence: Independence | Mapping[str, Any] | None,
    n_samples: int,
    *,
    batch_size: int | None = None,
    batch_ndims: Any = None,
    key_order: Sequence[str] | None = None,
) -> Tokens:
    """Draw all samples as one `Tokens`: the batches of a `TokenGenerator` of seed `key`, joined.

    Without `batch_size` all samples are drawn as one batch.

    >>> import numpy as np
    >>> tokens = generate_static_dataset(
    ...     0,
    ...     lambda key, n: {"mu": np.random.default_rng(key).normal(size=(n, 1))},
    ...     lambda key, p: {"obs": np.repeat(p["mu"][:, None], 5, axis=1)},
    ...     None,
    ...     {"local": ["obs"]},
    ...     n_samples=64,
    ... )
    >>> tokens
    Tokens(data=(64, 6, 1) float64, mu=1, obs=5)
    """
    generator = TokenGenerator(
        prior_fn,
        simulator_fn,
        functional_input_fn,
        independence,
        n_samples,
        (n_samples or 1) if batch_size is None else batch_size,
        key,
        batch_ndims=batch_ndims,
        key_order=key_order,
    )
    return join_samples(list(generator) or [generator._draw(0, 0)])


def join_samples(batches: Sequence[Tokens]) -> Tokens:
    """Give the samples of batches of one structure, one after the other."""
    first = batches[0]
    for batch in batches:
        if batch.layout != first.layout:
            raise ConfigError(
                f"Batches differ in structure: {first.slices} and {batch.slices}. "
                "See combine_tokens."
            )
    columns = zip(*(_arrays(batch) for batch in batches), strict=True)
    return first.map(lambda _: _stacked(next(columns)))


def _arrays(tokens: Tokens) -> list[Any]:
    inputs = [] if tokens.functional_inputs is None else [tokens.functional_inputs]
    return [tokens.data, *inputs, *tokens.event_shapes.values()]


def _stacked(column: Sequence[Any]) -> Any:
    xp, arrays = as_arrays(column)
    return concat(arrays, 0, xp)
