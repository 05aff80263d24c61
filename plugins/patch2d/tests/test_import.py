from __future__ import annotations

import subprocess
import sys

import tokenry_patch2d
from tokenry_core import Registry


def test_importing_the_package_imports_neither_torch_nor_numba():
    script = (
        "import sys, tokenry_patch2d; assert not {'torch', 'numba', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_every_public_name_is_there():
    for name in tokenry_patch2d.__all__:
        assert getattr(tokenry_patch2d, name).__module__.startswith("tokenry_patch2d.")


def test_the_entry_points_are_found_by_name():
    registry = Registry("tokenry.tokenizers")
    assert registry["patch2d"].name == "patch2d"
    assert registry["patch2d-pairs"].name == "patch2d-pairs"
