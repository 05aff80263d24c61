"""What runs in a worker: the driver's task, in the driver's folder, on one item."""

from __future__ import annotations

import os
import platform
import sys
from functools import lru_cache
from typing import Any

from ray import cloudpickle

from tokenry_core.errors import ConfigError

__all__ = ["Keeper", "Worker", "call", "pack", "unpack"]


def pack(what: Any) -> bytes:
    """Make an order of a task: it, and where the driver is, for relative paths and imports.

    Bytes, because what travels as an object has arrays in the worker that cannot be written to.
    """
    path = [os.path.abspath(entry) for entry in sys.path]
    return cloudpickle.dumps((os.getcwd(), path, cloudpickle.dumps(what)))  # type: ignore[no-any-return]


def unpack(order: bytes) -> Any:
    """Give the task, made once in each worker, and go where the driver is."""
    folder, what = _made(order)
    try:
        os.chdir(folder)  # a worker process serves one driver
    except OSError as error:
        raise ConfigError(
            f"{folder}, where the run was started, is not to be seen on {platform.node()}, where a"
            f" worker is ({error.strerror}); every machine has to have it under the same path"
        ) from error
    return what


@lru_cache(maxsize=2)
def _made(order: bytes) -> tuple[str, Any]:
    folder, path, what = cloudpickle.loads(order)
    sys.path += [entry for entry in path if entry not in sys.path]
    return folder, cloudpickle.loads(what)


def call(order: bytes, item: Any) -> Any:
    """Give the result of a task for one item."""
    return unpack(order)(item)


class Worker:
    """An actor that keeps what its task has loaded: the model of a tokenizer."""

    def ready(self) -> None:
        """Tell that it is there."""

    def call(self, order: bytes, item: Any) -> Any:
        """Give the result of a task for one item."""
        return call(order, item)


class Keeper:
    """An actor that keeps what the results for its items are merged into."""

    def __init__(self) -> None:
        self._kept: list[Any] = []  # one at most

    def ready(self) -> None:
        """Tell that it is there."""

    def call(self, order: bytes, item: Any) -> None:
        """Work on one more item; the result stays here."""
        task, merge = unpack(order)
        self._keep(merge, task(item))

    def absorb(self, order: bytes, other: bytes) -> None:
        """Merge what another one kept."""
        _, merge = unpack(order)
        for result in cloudpickle.loads(other):
            self._keep(merge, result)

    def give(self) -> bytes:
        """Give away what is kept."""
        kept, self._kept = self._kept, []
        return cloudpickle.dumps(kept)  # type: ignore[no-any-return]

    def _keep(self, merge: Any, result: Any) -> None:
        self._kept = [merge(self._kept[0], result) if self._kept else result]
