from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).parents[3] / "examples" / "contrastive_patches" / "train.py"


@pytest.fixture
def train():
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    spec = importlib.util.spec_from_file_location("contrastive_patches_train", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    torch.set_num_threads(threads)
    torch.set_rng_state(state)


def test_the_contrastive_example_learns_to_find_the_partner(train):
    before, after = train.main(["--images", "48", "--epochs", "2"])
    assert after > 1.2 * before
