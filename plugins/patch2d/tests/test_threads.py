from __future__ import annotations

import multiprocessing
import threading

import pytest
import torch

from tokenry_patch2d import tokenize_patch
from tokenry_patch2d._threads import split

PATCHES = torch.randn(64, 3, 64, 64)  # 9.6 MB of tokens and more: worth splitting


def _sum_of_tokens(results, place):
    # By numpy: torch's own threads do not survive a fork.
    results[place] = float(tokenize_patch(PATCHES, 16, 8)[0].numpy().sum(dtype="float64"))


def test_threads_may_call_at_the_same_time():
    results = [0.0] * 6
    threads = [threading.Thread(target=_sum_of_tokens, args=(results, n)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    _sum_of_tokens(once := [0.0], 0)
    assert results == once * 6


def test_a_forked_process_goes_on_working():
    _sum_of_tokens(once := [0.0], 0)  # the parent has its threads now
    context = multiprocessing.get_context("fork")
    results = context.Array("d", 1)
    child = context.Process(target=_sum_of_tokens, args=(results, 0))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    assert results[0] == once[0]


def test_one_thread_and_many_write_the_same():
    many = tokenize_patch(PATCHES, 16, 8)[0]
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert torch.equal(tokenize_patch(PATCHES, 16, 8)[0], many)
    finally:
        torch.set_num_threads(threads)


def test_an_error_in_a_thread_reaches_the_caller():
    def fail(start, stop):
        if stop == 10:
            raise ValueError("the last chunk")

    with pytest.raises(ValueError, match="the last chunk"):
        split(fail, 10, 1 << 30)
