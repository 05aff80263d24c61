"""Plugins for the tests, found by their metadata as installed ones are."""

import os
import sys
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parent / "fixtures" / "plugins"


@pytest.fixture(scope="session", autouse=True)
def test_plugins(tmp_path_factory):
    """Put the plugins of tests/fixtures on the path, here and in every process started here."""
    patch = pytest.MonkeyPatch()
    patch.setenv("TOKENRY_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    inherited = os.environ.get("PYTHONPATH")
    patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(PLUGINS), inherited])))
    patch.syspath_prepend(PLUGINS)
    assert str(PLUGINS) in sys.path
    import tokenry

    tokenry.tokenizers.refresh()
    yield
    patch.undo()
    tokenry.tokenizers.refresh()
