"""Results that are merged where they were made, and then in a tree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import ray
from ray import cloudpickle

from tokenry_core import Died

from ._crew import LOST, Actors
from ._worker import pack

__all__ = ["reduce"]

T = TypeVar("T")
R = TypeVar("R")


def reduce(
    keepers: Sequence[Any],
    task: Callable[[T], R],
    items: Iterable[T],
    merge: Callable[[R, R], R],
    done: Callable[[T], None],
) -> R | Died:
    """Give what all results are merged into; `Died` where any keeper was lost."""
    order = ray.put(pack((task, merge)))
    crew = Actors(keepers, order)
    try:
        for item, outcome in crew.work(items):
            if isinstance(outcome, Died):
                crew.stop()
                return outcome
            done(item)
        result: R = _merged(crew.started, order)
        return result
    except LOST:
        crew.stop()
        return Died()
    except BaseException:
        crew.stop()
        raise


def _merged(keepers: list[Any], order: Any) -> Any:
    """Merge in pairs, and pairs of pairs, until one keeper has everything."""
    step = 1
    while step < len(keepers):
        pairs = zip(keepers[:: 2 * step], keepers[step :: 2 * step], strict=False)
        ray.get([one.absorb.remote(order, other.give.remote()) for one, other in pairs])
        step *= 2
    (result,) = cloudpickle.loads(ray.get(keepers[0].give.remote()))
    return result
