"""A dictionary of arrays to one token table: against the same in JAX, eager and jitted.

`python tests/benchmarks/tokens/bench_assembly.py [--quick]`. The peer does what simulation-based
inference codes do per batch: flatten each key, pad it, and concatenate data, labels, positions
and condition.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from tokenry_benchmarks import Row, contend, report
from tokenry_core.tokens import PaddingWarning, Tokens

CONDITION = ("obs",)
SIZES = {"small": (32, 5, 3), "medium": (1024, 100, 10), "large": (4096, 200, 16)}
IN_A_ROW = {"small": 100, "medium": 10, "large": 1}  # batches of one timed run, as a loop has them


def batch(samples: int, sites: int, observations: int) -> dict[str, np.ndarray]:
    """A hierarchical model: a global parameter, one for each site, observations of each site."""
    rng = np.random.default_rng(0)
    shapes = {"mu": (1, 1), "theta": (sites, 1), "obs": (sites, observations)}
    return {k: rng.standard_normal((samples, *s), dtype=np.float32) for k, s in shapes.items()}


def peer(data: dict[str, jax.Array]) -> tuple[jax.Array, ...]:
    width = max(value.shape[-1] for value in data.values())
    flat, labels, positions, condition = [], [], [], []
    for number, (key, value) in enumerate(sorted(data.items())):
        value = value.reshape(value.shape[0], -1, value.shape[-1])
        flat.append(jnp.pad(value, ((0, 0), (0, 0), (0, width - value.shape[-1]))))
        shape = value.shape[:-1]
        labels.append(jnp.full(shape, number, jnp.int32))
        positions.append(jnp.broadcast_to(jnp.arange(shape[1], dtype=jnp.int32), shape))
        condition.append(jnp.full(shape, float(key in CONDITION), jnp.float32))
    return tuple(jnp.concatenate(parts, 1) for parts in (flat, labels, positions, condition))


def ours(data: dict[str, np.ndarray], order: list[str], out: Tokens | None = None) -> tuple:
    tokens = Tokens.from_pytree(data, key_order=order, out=out)
    return tokens.data, tokens.labels, tokens.positions, tokens.condition(CONDITION)


def repeat(run: Callable[[], object], number: int) -> None:
    for _ in range(number):
        run()


def compare(name: str, repeats: int) -> list[Row]:
    data = batch(*SIZES[name])
    order = sorted(data)
    arrays = {key: jnp.asarray(value) for key, value in data.items()}
    jitted = jax.jit(peer)
    memory = Tokens.from_pytree(data, key_order=order)
    copied, source = np.zeros_like(memory.data), memory.data.copy()
    for found, expected in zip(ours(data, order), jitted(arrays), strict=True):
        assert found.dtype == expected.dtype
        assert np.array_equal(found, expected)
    assert np.array_equal(ours(data, order, memory)[0], source)
    runs = {
        "eager": lambda: jax.block_until_ready(peer(arrays)),
        "jit": lambda: jax.block_until_ready(jitted(arrays)),
        "fresh": lambda: ours(data, order),
        "reused": lambda: ours(data, order, memory),
        "copy": lambda: source.copy(),
        "copy into": lambda: np.copyto(copied, source),
    }
    number = IN_A_ROW[name]
    loops = {called: partial(repeat, run, number) for called, run in runs.items()}
    times = {called: t / number for called, t in contend(loops, repeats, warmup=2).items()}
    size = f"{source.nbytes / 1e6:.2f} MB, {source.shape[0]}x{source.shape[1]}"
    large = source.nbytes >= 100e6
    rows = [
        ("fresh", "eager", "JAX eager", ">= 20x"),
        ("reused", "eager", "JAX eager", ">= 20x"),
        ("fresh", "jit", "JAX under jit", ">= 4x" if large else ""),
        ("reused", "jit", "JAX under jit", ">= 4x" if large else ""),
        ("fresh", "copy", "copy, fresh memory", ">= 1x" if large else ""),
        ("reused", "copy into", "copy, reused memory", ">= 1x" if large else ""),
    ]
    return [
        Row(
            f"{size}, {ours_is} memory",
            f"NumPy, {ours_is}",
            times[ours_is],
            called,
            times[p],
            target,
        )
        for ours_is, p, called, target in rows
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, for a smoke test")
    quick = parser.parse_args().quick
    warnings.simplefilter("ignore", PaddingWarning)
    names = ["small"] if quick else list(SIZES)
    rows = [row for name in names for row in compare(name, 5 if quick else 15)]
    report("token table from a dictionary of arrays", rows)


if __name__ == "__main__":
    main()
