"""A tokenizer's own training loop, in Ray Train."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ray.util.queue import Queue

from tokenry_core import DataSource, Session
from tokenry_core.errors import ConfigError, DataError

from ._config import RayConfig
from ._session import RESOURCES
from ._worker import pack, unpack

__all__ = ["fit"]

Event = Callable[[str, Mapping[str, Any]], None]

_SECONDS_BETWEEN_EVENTS = 0.2


def fit(
    tokenizer: Any,
    source: DataSource,
    session: Session,
    config: RayConfig,
    needs: Mapping[str, float],
) -> None:
    """Train a tokenizer, in place, by its own loop in the workers of Ray Train.

    The loop keeps its checkpoints in the session's work directory, as everywhere: a worker that is
    started anew, and a run that is started again, go on from there.
    """
    with tempfile.TemporaryDirectory() as spare, _heard(session.event) as tell:
        workdir = (session.workdir or Path(spare)).absolute()
        order = pack((tokenizer, source, replace(session, workdir=workdir, event=tell)))
        outcome = _trained(order, workdir, config, needs)
    if isinstance(outcome, BaseException):
        raise outcome
    tokenizer.adopt(outcome)


def _trained(order: bytes, workdir: Path, config: RayConfig, needs: Mapping[str, float]) -> Any:
    try:
        from ray.train import FailureConfig, RunConfig, ScalingConfig, TrainingFailedError
        from ray.train.torch import TorchTrainer
    except ImportError as error:
        raise ConfigError(
            "engine: this tokenizer trains in Ray Train, which is not installed: pip install"
            f' "tokenry-ray[train]" ({error})'
        ) from error
    trainer = TorchTrainer(
        _loop,
        train_loop_config={"order": order},
        scaling_config=ScalingConfig(
            num_workers=config.fit_workers,
            use_gpu="num_gpus" in needs,
            resources_per_worker={RESOURCES[name]: need for name, need in needs.items()},
        ),
        run_config=RunConfig(
            name="ray",
            storage_path=str(workdir),
            failure_config=FailureConfig(max_failures=config.retries),
        ),
    )
    try:
        return trainer.fit().return_value
    except TrainingFailedError as error:
        raise DataError(f"a worker was lost in training: {error}") from error


def _loop(config: Mapping[str, bytes]) -> Any:
    """Give what the tokenizer has learned, or why it could not: that is no reason to try again."""
    tokenizer, source, session = unpack(config["order"])
    try:
        tokenizer.fit(source, session)
    except Exception as error:
        return error
    return dict(tokenizer.state())


class _Tell:
    """Sends a loop's events to the driver, each kind a few times a second at most."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._last: dict[str, float] = {}

    def __call__(self, name: str, values: Mapping[str, Any]) -> None:
        now = time.monotonic()
        if now - self._last.get(name, -_SECONDS_BETWEEN_EVENTS) >= _SECONDS_BETWEEN_EVENTS:
            self._last[name] = now
            self._queue.put((name, dict(values)))


@contextmanager
def _heard(event: Event) -> Iterator[Event]:
    """Pass on what the workers tell, until the training has ended."""
    queue = Queue(actor_options={"num_cpus": 0})

    def listen() -> None:
        while (told := queue.get()) is not None:
            event(*told)

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        yield _Tell(queue)
    finally:
        queue.put(None)
        listener.join()
        queue.shutdown()
