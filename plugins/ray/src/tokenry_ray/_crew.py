"""A crew: tasks or actors that work on items, each on one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

import ray
from ray.exceptions import (
    NodeDiedError,
    OutOfMemoryError,
    RayActorError,
    RayTaskError,
    WorkerCrashedError,
)

from tokenry_core import Died

from ._worker import call

__all__ = ["LOST", "Actors", "Crew", "Tasks", "make_actors"]

T = TypeVar("T")
Ref = Any  # of an object in Ray
Actor = Any
Hand = Callable[[T], Ref]

LOST = (WorkerCrashedError, RayActorError, NodeDiedError, OutOfMemoryError)
_SECONDS_TO_STOP = 10.0


class Crew:
    """Hands that take one item each, and give a reference to what becomes of it.

    Hands that are `starting` help once their reference is there.
    """

    def __init__(self, hands: Sequence[Hand[Any]], starting: dict[Ref, Hand[Any]]) -> None:
        self.free, self.starting = list(hands), starting
        self.running: dict[Ref, tuple[Any, Hand[Any]]] = {}

    def work(self, items: Iterable[T]) -> Iterator[tuple[T, Any]]:
        """Give each item with its outcome, `Died` where its worker was lost too often."""
        items = iter(items)
        self._hand_out(items)
        while self.running or not self.free:
            (ref,), _ = ray.wait([*self.running, *self.starting])
            if ref in self.starting:
                ray.get(ref)
                self.free.append(self.starting.pop(ref))
                self._hand_out(items)
                continue
            item, hand = self.running.pop(ref)
            self.free.append(hand)
            outcome = _outcome(ref)
            self._hand_out(items)  # before the caller takes its time over the outcome
            yield item, outcome

    def stop(self) -> None:
        """End what is still running, which nobody waits for, and come back when it has ended."""
        if refs := list(self.running):
            ray.wait(refs, num_returns=len(refs), timeout=_SECONDS_TO_STOP)

    def _hand_out(self, items: Iterator[Any]) -> None:
        for item in islice(items, len(self.free)):
            hand = self.free.pop()
            self.running[hand(item)] = item, hand


class Tasks(Crew):
    """Ray tasks; Ray finds a place for each, and another one where a worker is lost."""

    def __init__(self, count: int, order: Ref, retries: int, needs: dict[str, float]) -> None:
        task = ray.remote(call).options(max_retries=retries, **needs)
        super().__init__([lambda item: task.remote(order, item)] * count, {})

    def stop(self) -> None:
        """End the workers that are still busy."""
        for ref in self.running:
            ray.cancel(ref, force=True)
        super().stop()


class Actors(Crew):
    """Actors, which keep what they have loaded."""

    def __init__(self, actors: Sequence[Actor], order: Ref) -> None:
        self._actors = {actor.ready.remote(): actor for actor in actors}
        super().__init__([], {ref: _hand(actor, order) for ref, actor in self._actors.items()})

    @property
    def started(self) -> list[Actor]:
        """Those that are there by now; a busy cluster may not have had room for all."""
        return [actor for ref, actor in self._actors.items() if ref not in self.starting]

    def stop(self) -> None:
        """End the actors."""
        for actor in self._actors.values():
            ray.kill(actor)
        super().stop()


def make_actors(cls: type, count: int, needs: dict[str, float], **losses: int) -> list[Actor]:
    """Make actors; `losses` are Ray's options of what happens where one is lost."""
    made = ray.remote(cls).options(**needs, **losses)
    return [made.remote() for _ in range(count)]


def _hand(actor: Actor, order: Ref) -> Hand[Any]:
    return lambda item: actor.call.remote(order, item)


def _outcome(ref: Ref) -> Any:
    try:
        return ray.get(ref)
    except RayTaskError as error:
        raise error.cause from error
    except LOST:
        return Died()
