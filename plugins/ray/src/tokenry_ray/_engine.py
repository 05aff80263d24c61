"""RayEngine: a run's work on a Ray cluster, or on the Ray of one machine."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from operator import length_hint
from typing import Any, TypeVar

import ray

from tokenry_core import DataSource, Died, Session, SupportsFit, build_config

from ._config import RayConfig
from ._crew import Actors, Crew, Tasks, make_actors
from ._session import connect, room_for
from ._tree import reduce
from ._worker import Keeper, Worker, pack

__all__ = ["RayEngine"]

T = TypeVar("T")
R = TypeVar("R")


class RayEngine:
    """Runs a task over items on Ray; see `RayConfig` for its options.

    Light tasks are Ray tasks; those that keep a model, or need a GPU, run in actors. An item whose
    worker is lost is tried again elsewhere, and given as `Died` when that happens too often.
    """

    Config = RayConfig

    def __init__(self, config: RayConfig | None = None, /, **options: Any) -> None:
        self.config = config or build_config(RayConfig, options)
        self._keepers: list[Any] = []

    @property
    def workers(self) -> int:
        """How many items are worked on at a time."""
        return self._workers(self.config.needs("cpu"))

    def map(self, task: Callable[[T], R], items: Iterable[T]) -> Iterator[tuple[T, R | Died]]:
        """Give pairs of item and result as they are done; at most one per worker waits."""
        most = length_hint(items, sys.maxsize)
        items = iter(items)
        for first in items:  # where there is none, nothing is started
            crew = self._crew(task, most)
            try:
                yield from crew.work(chain([first], items))
            finally:
                crew.stop()

    def reduce(
        self,
        task: Callable[[T], R],
        items: Iterable[T],
        merge: Callable[[R, R], R],
        done: Callable[[T], None] = lambda item: None,
    ) -> R | Died:
        """Give what all results are merged into: in one actor per worker, then in a tree."""
        items = list(items)
        outcome: R | Died = Died()
        for _ in range(self.config.retries + 1):
            outcome = reduce(self._kept(len(items)), task, items, merge, done)
            if not isinstance(outcome, Died):
                return outcome
            self._keepers = []  # what a lost worker kept is lost with it: all once more
        return outcome

    def fit(self, tokenizer: SupportsFit, source: DataSource, session: Session) -> None:
        """Train a tokenizer that has a loop of its own, in Ray Train."""
        from ._fit import fit  # Ray Train is an extra

        connect(self.config.address)
        fit(tokenizer, source, session, self.config, self.config.needs(session.device))

    def _crew(self, task: Any, most: int) -> Crew:
        needs, retries = self.config.needs(getattr(task, "device", "cpu")), self.config.retries
        workers = self._workers(needs)
        order = ray.put(pack(task))
        if getattr(task, "heavy", False) or "num_gpus" in needs:
            losses = {"max_restarts": -1, "max_task_retries": retries}
            return Actors(make_actors(Worker, min(workers, most), needs, **losses), order)
        # One more for each worker may wait where the cluster decides how many run at a time.
        waiting = workers if workers >= room_for(needs) else 0
        return Tasks(workers + waiting, order, retries, needs)

    def _kept(self, items: int) -> list[Any]:
        """Give the actors that are kept from one pass to the next."""
        needs = self.config.needs("cpu")
        count = min(self._workers(needs), items)
        if len(self._keepers) != count:
            self._keepers = make_actors(Keeper, count, needs)
        return self._keepers

    def _workers(self, needs: dict[str, float]) -> int:
        connect(self.config.address)
        room = room_for(needs)
        return room if self.config.workers is None else self.config.workers
