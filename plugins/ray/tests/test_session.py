"""Which Ray a run is given."""

import os
import subprocess
import sys

import pytest

from tokenry_core.errors import ConfigError
from tokenry_ray import _session


@pytest.fixture
def alone(monkeypatch):
    """Give a `connect` that finds no Ray in this process."""
    monkeypatch.setattr(_session.ray, "is_initialized", lambda: False)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    return _session.connect


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere"])
def test_address_without_ray_is_named_at_once(alone, address):
    with pytest.raises(ConfigError, match=f"there is no Ray at {address} .*`ray start --head`"):
        alone(address)


def test_address_of_the_environment_is_checked_too(alone, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(ConfigError, match=r"there is no Ray at 127\.0\.0\.1:1"):
        alone(None)


def test_clients_from_outside_are_refused(alone):
    with pytest.raises(ConfigError, match="run this on a machine of the cluster"):
        alone("ray://head:10001")


def test_handlers_of_signals_stay_the_callers():
    """A run that is told to end has to leave its journal whole, so its own handler must stay."""
    program = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "from tokenry_ray import RayEngine; assert RayEngine(address='local').workers > 0;"
        "assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN"
    )
    env = {**os.environ, "RAY_memory_monitor_refresh_ms": "0"}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
