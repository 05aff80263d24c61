"""EngineTests: what every engine promises."""

from __future__ import annotations

import os
import signal
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from tokenry_core import Died, Engine

from ._kit import Kit
from ._promises import expect, promised, raises, shown

__all__ = ["EngineCase", "EngineTests"]

_READ = "Engine.map"


@dataclass
class EngineCase:
    """An engine, with two workers or more where it can have them."""

    engine: Any


class EngineTests(Kit):
    """Checks an engine; a subclass gives the fixture `case`."""

    @pytest.fixture
    def case(self) -> EngineCase:
        """The engine: `return EngineCase(MyEngine(workers=2))`."""
        raise NotImplementedError(
            f"{type(self).__qualname__} lacks the fixture `case`: define it, and let it return a"
            " tokenry_core.testing.EngineCase"
        )

    def test_is_an_engine(self, case: EngineCase) -> None:
        expect(isinstance(case.engine, Engine), "it is an Engine", shown(case.engine), _READ)

    def test_every_item_is_mapped_once(self, case: EngineCase) -> None:
        promise = "map gives every item once, with its own result"
        with promised(promise, _READ):
            pairs = list(case.engine.map(_square, iter(range(50))))
        found = Counter(pairs)
        expect(found == Counter((i, i * i) for i in range(50)), promise, shown(pairs), _READ)

    def test_equal_and_unhashable_items_are_items_each(self, case: EngineCase) -> None:
        promise = "items need not differ, nor be hashable"
        with promised(promise, _READ):
            pairs = list(case.engine.map(_count, [[1, 2], [1, 2], [], {"a": 1}]))
        expected = ["[1, 2] 2", "[1, 2] 2", "[] 0", "{'a': 1} 1"]
        found = sorted(f"{item} {result}" for item, result in pairs)
        expect(found == sorted(expected), promise, shown(pairs), _READ)

    def test_no_items_give_no_results(self, case: EngineCase) -> None:
        with promised("no items give no results", _READ):
            pairs = list(case.engine.map(_square, []))
        expect(pairs == [], "no items give no results", shown(pairs), _READ)

    def test_results_may_be_none_and_large(self, case: EngineCase) -> None:
        promise = "a result is whatever the task gives: None, or megabytes"
        with promised(promise, _READ):
            pairs = dict(case.engine.map(_large, [0, 3_000_000]))
        good = pairs == {0: None, 3_000_000: b"x" * 3_000_000}
        expect(good, promise, shown(pairs), _READ)

    def test_errors_of_the_task_are_raised(self, case: EngineCase) -> None:
        promise = "an exception of the task is raised where the results are read, as it is"
        with raises(ZeroDivisionError, promise, _READ, naming=["item 3 is odd"]):
            list(case.engine.map(_fails_at_three, range(6)))
        with promised("an engine works on after an error of a task", _READ):
            pairs = sorted(case.engine.map(_square, range(4)))
        expect(pairs == [(0, 0), (1, 1), (2, 4), (3, 9)], promise, shown(pairs), _READ)

    def test_stopping_early_is_allowed(self, case: EngineCase) -> None:
        promise = "whoever reads the results may stop early, and map again"
        with promised(promise, _READ):
            results = case.engine.map(_square, range(20))
            next(results)
            if hasattr(results, "close"):
                results.close()
            pairs = sorted(case.engine.map(_square, range(3)))
        expect(pairs == [(0, 0), (1, 1), (2, 4)], promise, shown(pairs), _READ)

    @pytest.mark.parametrize("death", ["exit", "kill"])
    def test_lost_workers_lose_their_item_alone(self, case: EngineCase, death: str) -> None:
        if not _has_processes(case):
            return
        promise = "an item whose worker is lost gives Died; every other item its result"
        task = _exits_at_three if death == "exit" else _is_killed_at_three
        with promised(promise, _READ):
            pairs = list(case.engine.map(task, range(10)))
        items = sorted(item for item, _ in pairs)
        expect(items == list(range(10)), promise, f"items {items}", _READ)
        found = dict(pairs)
        died = found.pop(3)
        good = isinstance(died, Died) and died.reason.strip()
        expect(good, promise, f"item 3 gave {shown(died)}", _READ)
        expect(found == {i: i * i for i in found}, promise, shown(found), _READ)


def _has_processes(case: EngineCase) -> bool:
    here = os.getpid()
    return all(pid != here for _, pid in case.engine.map(_process, range(4)))


def _process(item: int) -> int:
    return os.getpid()


def _square(item: int) -> int:
    return item * item


def _count(item: Any) -> int:
    return len(item)


def _large(size: int) -> bytes | None:
    return b"x" * size if size else None


def _fails_at_three(item: int) -> int:
    if item == 3:
        raise ZeroDivisionError("item 3 is odd")
    return item


def _exits_at_three(item: int) -> int:
    if item == 3:
        os._exit(17)
    return item * item


def _is_killed_at_three(item: int) -> int:
    if item == 3:
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
    return item * item
