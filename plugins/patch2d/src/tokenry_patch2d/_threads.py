"""Split a kernel's jobs over threads, in a way that survives fork and never nests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar

import torch

__all__ = ["limited", "split"]

WORTH_SPLITTING = 1 << 20  # bytes written; below it, waking a thread costs more than it saves
CHUNKS_PER_THREAD = 4  # so that a thread on a busy core does not hold up the rest

_limit: ContextVar[int | None] = ContextVar("tokenry_patch2d_threads", default=None)
_pools: dict[int, ThreadPoolExecutor] = {}
# A forked child inherits the pool objects but not their threads.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pools.clear)


@contextmanager
def limited(threads: int | None) -> Iterator[None]:
    """Use this many threads inside; None leaves it to torch."""
    token = _limit.set(threads)
    try:
        yield
    finally:
        _limit.reset(token)


def split(work: Callable[[int, int], object], jobs: int, written: int) -> None:
    """Run work(start, stop) over all `jobs`, on as many threads as torch may use.

    `torch.set_num_threads` is obeyed, and so data-loader workers, where it is 1, stay serial.
    """
    threads = min(_limit.get() or torch.get_num_threads(), jobs)
    if threads <= 1 or written < WORTH_SPLITTING:
        work(0, jobs)
        return
    pool = _pools.get(threads)
    if pool is None:
        pool = _pools.setdefault(threads, ThreadPoolExecutor(threads, "tokenry-patch2d"))
    chunks = min(jobs, threads * CHUNKS_PER_THREAD)
    edges = [jobs * chunk // chunks for chunk in range(chunks + 1)]
    for _ in pool.map(work, edges[:-1], edges[1:]):
        pass
