"""One Ray for all tests of the folder, small and quiet."""

import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PLUGINS = HERE.parents[2] / "tests" / "fixtures" / "plugins"
sys.path.insert(0, str(HERE / "fixtures"))  # tasks that the tests and the workers import


@pytest.fixture(scope="session", autouse=True)
def ray_session(tmp_path_factory):
    """Ray with two CPUs; workers inherit the environment, and so find the tests' tokenizers."""
    patch = pytest.MonkeyPatch()
    path = [str(HERE / "fixtures"), str(PLUGINS), os.environ.get("PYTHONPATH")]
    patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, path)))
    patch.syspath_prepend(PLUGINS)
    patch.setenv("TOKENRY_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    import ray

    import tokenry

    tokenry.tokenizers.refresh()
    place = tempfile.mkdtemp(prefix="ray", dir="/tmp")  # sockets want short paths
    ray.init(
        address="local",
        num_cpus=2,
        object_store_memory=100 << 20,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        _temp_dir=place,
    )
    yield Path(place)
    ray.shutdown()
    patch.undo()
    shutil.rmtree(place, ignore_errors=True)
