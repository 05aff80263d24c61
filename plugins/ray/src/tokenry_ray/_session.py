"""Which Ray there is, and how many workers it has room for."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import ray

from tokenry_core.errors import ConfigError

__all__ = ["RESOURCES", "connect", "room_for"]

RESOURCES = {"num_cpus": "CPU", "num_gpus": "GPU"}  # what options of a task ask for
_SECONDS_TO_ANSWER = 10.0
_MEMORY_RETRIES = "10"  # more than of other losses: the item may have had a hungry neighbour


def connect(address: str | None) -> None:
    """Connect to the cluster, or start Ray on this machine; a Ray that is in use is kept."""
    if ray.is_initialized():
        return
    _check(address or os.environ.get("RAY_ADDRESS", ""))
    # Else an item that needs more memory than there is would be tried again for ever.
    os.environ.setdefault("RAY_task_oom_retries", _MEMORY_RETRIES)
    try:
        with _own_sigterm():
            ray.init(
                address=address,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.WARNING,
            )
    except (ConnectionError, ValueError) as error:
        raise ConfigError(_no_ray(address, error)) from error


def _check(address: str) -> None:
    """Say now what Ray would say after minutes."""
    if "://" in address:
        raise ConfigError(
            f"engine.address: {address} is for clients outside of the cluster, which do not see its"
            " files; run this on a machine of the cluster, with HOST:PORT, or by `ray job submit`"
        )
    host, _, port = address.rpartition(":")
    if host and port.isdecimal():
        try:
            socket.create_connection((host, int(port)), _SECONDS_TO_ANSWER).close()
        except OSError as error:
            raise ConfigError(_no_ray(address, error)) from error


def _no_ray(address: str | None, error: Exception) -> str:
    return (
        f"engine.address: there is no Ray at {address} ({error}); give HOST:PORT of one, start one"
        " with `ray start --head`, or leave the address out"
    )


def room_for(needs: Mapping[str, float]) -> int:
    """Give how many workers with these needs the cluster has room for, busy or not."""
    there = ray.cluster_resources()
    room = min(int(there.get(RESOURCES[name], 0) / need) for name, need in needs.items())
    if not room:
        wanted = " and ".join(f"{need:g} {RESOURCES[name]}" for name, need in needs.items())
        has = " and ".join(f"{there.get(RESOURCES[name], 0):g} {RESOURCES[name]}" for name in needs)
        raise ConfigError(
            f"engine: a worker needs {wanted}, and the whole cluster has {has}; change"
            " engine.cpus_per_worker, engine.gpus_per_worker or runtime.device"
        )
    return room


@contextmanager
def _own_sigterm() -> Iterator[None]:
    """Keep the caller's handler: Ray puts its own in place, which ends the process at once."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if before is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)
