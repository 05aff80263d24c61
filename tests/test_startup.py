"""What a listing does not need, it does not import."""

import subprocess
import sys

import pytest

HEAVY = ["torch", "numba", "sklearn", "timm", "ray", "pandas"]
NEEDLESS = [*HEAVY, "numpy", "pyarrow", "yaml", "rich", "pluggy", "joblib", "matplotlib"]


def loaded_after(code: str) -> set[str]:
    program = f"{code}\nimport sys; print('\\n'.join(sys.modules), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "code",
    ["import tokenry", "from tokenry.cli import main; main(['list'])"],
    ids=["import", "list"],
)
def test_importing_and_listing_load_nothing_heavy(code):
    assert not loaded_after(code) & set(NEEDLESS)


def test_every_registry_is_listed_without_importing_a_plugin():
    code = (
        "import tokenry\n"
        "for registry in (tokenry.tokenizers, tokenry.sources, tokenry.models, tokenry.sinks,"
        " tokenry.engines):\n"
        "    list(registry), len(registry), 'scalar' in registry, repr(registry)"
    )
    loaded = loaded_after(code)
    plugins = {name for name in loaded if name.startswith("tokenry_")}
    assert not loaded & set(HEAVY)
    assert all(name.partition(".")[0] == "tokenry_core" for name in plugins)
