"""A plugin works with nothing visible but what its package declares.

Each plugin's contract tests run in a process that cannot import any distribution outside the
declared dependencies of the plugin and of the test tools. (Core and registry are installed into a
real environment of their own by test_third_party.py.)
"""

import os
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from distributions import closure

ROOT = Path(__file__).resolve().parent.parent
PLUGINS = sorted(
    path.parent
    for path in (ROOT / "plugins").glob("*/pyproject.toml")
    if "tokenry.tokenizers" in path.read_text()
)
TOOLS = ["pytest", "hypothesis", "pip", "setuptools"]


def hidden_from(distribution: str) -> list[str]:
    allowed = closure([distribution, *TOOLS])
    return sorted(
        module
        for module, owners in packages_distributions().items()
        if not {re.sub(r"[-_.]+", "-", owner).lower() for owner in owners} & allowed
    )


HIDE = """
import os, sys
from importlib.machinery import PathFinder

hidden = frozenset(os.environ["TOKENRY_TEST_HIDDEN"].split(","))

class Visible(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] not in hidden:
            return super().find_spec(name, path, target)

sys.meta_path[:] = [Visible if finder is PathFinder else finder for finder in sys.meta_path]
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_plugin_needs_only_what_it_declares(plugin):
    tests = [
        path for path in plugin.rglob("tests/**/test_*.py") if "TokenizerTests" in path.read_text()
    ]
    assert tests, "every plugin runs the test kit"
    hidden = hidden_from(f"tokenry-{plugin.name}")
    assert "polars" in hidden
    command = [sys.executable, "-c", HIDE, "-q", "-p", "no:cacheprovider", *map(str, tests)]
    env = os.environ | {"TOKENRY_TEST_HIDDEN": ",".join(hidden)}
    env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    command += ["-k", "(test_encod or test_spec or test_same or test_saved) and not many"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
