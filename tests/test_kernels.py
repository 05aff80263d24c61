"""What holds for every compiled kernel of every package."""

import importlib
from pathlib import Path

import pytest
from numba.core.dispatcher import Dispatcher

ROOT = Path(__file__).resolve().parent.parent
KERNELS = sorted(ROOT.glob("*/*/src/**/*_kernels.py"))


def module(path: Path) -> str:
    source = next(folder for folder in path.parents if folder.name == "src")
    return ".".join(path.with_suffix("").relative_to(source).parts)


def kernels(module: str) -> list[Dispatcher]:
    members = vars(importlib.import_module(module)).values()
    found = [member for member in members if isinstance(member, Dispatcher)]
    tables = [member for member in members if isinstance(member, dict)]
    return found + [one for t in tables for one in t.values() if isinstance(one, Dispatcher)]


@pytest.mark.parametrize("module", [module(path) for path in KERNELS])
def test_compiled_code_is_kept_for_the_next_process(module):
    # numba's key of a kernel holds what its closure does, and another kernel in there is new in
    # every process: nothing would ever be found again, and the cache would grow for ever.
    assert kernels(module)
    for kernel in kernels(module):
        held = [cell.cell_contents for cell in kernel.py_func.__closure__ or ()]
        assert not any(isinstance(one, Dispatcher) for one in held), kernel.py_func
