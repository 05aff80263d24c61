"""A few threads for kernels that let go of the interpreter."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def thread_count(asked: int | None) -> int:
    """Give the number of threads to use: what was asked for, else one for each core given to us."""
    if asked is not None:
        return asked
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_all(task: Callable[[T], R], items: Iterable[T], threads: int) -> list[R]:
    """Run a task over items, in this thread or in several; results in order.

    >>> run_all(abs, [-1, 2], threads=2)
    [1, 2]
    """
    work = list(items)
    if threads == 1 or len(work) < 2:
        return [task(item) for item in work]
    return list(_pool(os.getpid(), threads).map(task, work))


@cache
def _pool(process: int, threads: int) -> ThreadPoolExecutor:
    # By process: after a fork the threads of the parent are gone.
    return ThreadPoolExecutor(threads, thread_name_prefix=f"scalar-{process}")
