"""Small models and pictures that the tests make themselves: nothing is downloaded."""

from __future__ import annotations

import pytest
import torch

from tokenry_pairs import PairMatchingModel

torch.set_num_threads(1)  # models this small only wait for each other's threads

SMALL = {"img_size": 8, "patch_size": 2, "embed_dim": 32, "depth": 2, "num_heads": 2}


@pytest.fixture
def small():
    """Make a pair-matching model with a tiny backbone of random weights."""

    def make(*, backbone=(), **options):
        options = {"embed_dim": 16, "pretrained": False, **options}
        return PairMatchingModel(backbone_options={**SMALL, **dict(backbone)}, **options)

    return make
