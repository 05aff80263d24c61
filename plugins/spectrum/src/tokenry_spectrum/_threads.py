"""Work in fixed parts, on as many threads as the machine gives this process."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

T = TypeVar("T")


def spread(
    task: Callable[[int, int], T], total: int, parts: int, threads: int | None = None
) -> list[T]:
    """Give `task(first, last)` for each of `parts` contiguous parts of `range(total)`, in order.

    The parts never depend on the number of threads, so sums over parts repeat everywhere. The
    kernels release the interpreter lock; plain threads also survive a fork, unlike the thread
    pools of compiled code.

    >>> spread(lambda first, last: last - first, 10, 3)
    [3, 3, 4]
    """
    cuts = [total * part // parts for part in range(parts + 1)]
    workers = min(parts, threads or _available())
    if workers == 1:
        return [task(first, last) for first, last in pairwise(cuts)]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(task, cuts[:-1], cuts[1:]))


def _available() -> int:
    """Processors this process may use; NUMBA_NUM_THREADS lowers it, as for compiled loops."""
    try:
        mine = len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        mine = os.cpu_count() or 1
    limit = os.environ.get("NUMBA_NUM_THREADS", "")
    return min(mine, int(limit)) if limit.isdigit() and int(limit) > 0 else mine
