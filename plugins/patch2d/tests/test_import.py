from __future__ import annotations

import subprocess
import sys

import torch

import tokenry_patch2d
from tokenry_core import Registry
from tokenry_patch2d import (
    Patch2dConfig,
    Patch2dPairsConfig,
    Patch2dPairsTokenizer,
    Patch2dTokenizer,
    PatchPairs,
    extract_patch_pairs,
)


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


def test_options_and_results_have_names():
    config = Patch2dConfig(shape=(1, 8, 8), patch_size=4)
    assert Patch2dTokenizer(config).config is config
    pairs = Patch2dPairsConfig(shape=(1, 16, 16), window=8, patch_size=4)
    assert Patch2dPairsTokenizer(pairs).config is pairs
    found = extract_patch_pairs(torch.zeros(1, 1, 32, 32), 8, num_patches=2)
    assert isinstance(found, PatchPairs)
    assert found.deltas.shape == (2, 2)
