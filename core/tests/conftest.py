"""What several test files share: checked-in distributions, put on the path as if installed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tokenry_core import configure_plugins
from tokenry_core._discovery import rediscover

# A busy machine is no reason to fail.
settings.register_profile("tokenry", deadline=None)
settings.load_profile("tokenry")

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture
def fixtures() -> Path:
    return FIXTURES


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Put distributions of `fixtures/` first on the path, in this order."""
    monkeypatch.setenv("TOKENRY_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("TOKENRY_DISABLE_PLUGINS", raising=False)
    configure_plugins()
    rediscover()

    def install(*names: str) -> None:
        monkeypatch.setattr(sys, "path", [*(str(FIXTURES / name) for name in names), *sys.path])
        rediscover()

    yield install
    monkeypatch.undo()
    for module in [name for name in sys.modules if name.startswith("fake_")]:
        del sys.modules[module]
    configure_plugins()
    rediscover()
