"""The local engine: worker processes, threads, or none."""

from __future__ import annotations

import concurrent.futures as futures
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, Literal, TypeVar

from annotated_types import Ge

from tokenry_core import Died, with_doc
from tokenry_core._config import build_config

__all__ = ["LocalConfig", "LocalEngine"]

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class LocalConfig:
    """Options of the `local` engine."""

    workers: Annotated[int, Ge(1)] = with_doc("how many at a time", 2)
    mode: Literal["processes", "threads", "serial"] = with_doc(
        "processes survive a crash of the code they run; threads share memory and suit work that"
        " releases the interpreter lock; serial is for debugging",
        "processes",
    )


class LocalEngine:
    """Runs a task over items on this machine.

    With processes, an item whose worker is lost is tried again alone; if that worker is lost too,
    the item is given as `Died` and the rest goes on.

    >>> engine = LocalEngine(workers=2, mode="threads")
    >>> sorted(engine.map(abs, [-3, 1]))
    [(-3, 3), (1, 1)]
    """

    Config = LocalConfig

    def __init__(self, config: LocalConfig | None = None, /, **options: Any) -> None:
        self.config = config or build_config(LocalConfig, options)

    @property
    def workers(self) -> int:
        """How many items are worked on at a time."""
        return 1 if self.config.mode == "serial" else self.config.workers

    def map(self, task: Callable[[T], R], items: Iterable[T]) -> Iterator[tuple[T, R | Died]]:
        """Give pairs of item and result as they are done; at most two per worker wait."""
        if self.config.mode == "serial":
            for item in items:
                yield item, task(item)
        elif self.config.mode == "threads":
            pool = futures.ThreadPoolExecutor(self.workers)
            try:
                yield from _drain(pool, task, iter(items), self.workers, [])
            finally:
                pool.shutdown(cancel_futures=True)
        else:
            yield from self._processes(task, iter(items))

    def _processes(
        self, task: Callable[[T], R], items: Iterator[T]
    ) -> Iterator[tuple[T, R | Died]]:
        while True:
            suspects: list[T] = []
            pool = _kept_pool(self.workers)
            try:
                yield from _drain(pool, task, items, self.workers, suspects)
            except BaseException:  # nobody waits for what is still running
                _kill(pool)
                raise
            if not suspects:
                return
            for item in suspects:
                yield item, _alone(task, item)


def _drain(
    pool: Any, task: Callable[[T], R], items: Iterator[T], workers: int, suspects: list[T]
) -> Iterator[tuple[T, R | Died]]:
    """Work until the items end, or until a worker is lost: then `suspects` are those in flight."""
    running: dict[Any, T] = {}
    _submit(pool, task, islice(items, 2 * workers), running, suspects)
    while running:
        done, _ = futures.wait(running, return_when=futures.FIRST_COMPLETED)
        for future in done:
            item = running.pop(future)
            try:
                result = future.result()
            except futures.BrokenExecutor:
                suspects.append(item)
                continue
            yield item, result
        if not suspects:
            _submit(pool, task, islice(items, len(done)), running, suspects)


def _kill(pool: Any) -> None:
    """End a pool and its workers; loky's own way fails while items wait to be handed out."""
    workers = list(pool._processes.values())
    until = time.monotonic() + 1
    while pool._work_ids.qsize() and time.monotonic() < until:
        time.sleep(0.001)
    pool.shutdown(wait=True, kill_workers=True)
    for worker in workers:
        if worker.is_alive():
            worker.kill()


def _submit(
    pool: Any,
    task: Callable[[T], R],
    items: Iterable[T],
    running: dict[Any, T],
    suspects: list[T],
) -> None:
    """Hand items out; where a worker was lost since the last look, the item is a suspect."""
    for item in items:
        try:
            running[pool.submit(task, item)] = item
        except futures.BrokenExecutor:
            suspects.append(item)
            return


def _alone(task: Callable[[T], R], item: T) -> R | Died:
    from joblib.externals.loky import ProcessPoolExecutor
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    pool = ProcessPoolExecutor(1, initializer=_end_with, initargs=(os.getpid(),))
    try:
        return pool.submit(task, item).result()  # type: ignore[no-any-return]
    except TerminatedWorkerError:
        return Died()
    except futures.BrokenExecutor as error:  # it never came so far: it cannot be unpickled, say
        return Died(str(error).splitlines()[0])
    finally:
        pool.shutdown(wait=True, kill_workers=True)


def _kept_pool(workers: int) -> Any:
    """Give the pool that is kept from one call to the next: passes of training follow quickly."""
    from joblib.externals.loky import get_reusable_executor

    # Another folder or path gives another pool: relative paths and imports mean something else.
    here = (os.getpid(), os.getcwd(), tuple(sys.path))
    return get_reusable_executor(workers, timeout=10, initializer=_end_with, initargs=here)


def _end_with(parent: int, *place: Any) -> None:
    """End this worker soon after its parent: a killed run must not go on writing."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
