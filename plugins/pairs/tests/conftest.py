"""Small models and pictures that the tests make themselves: nothing is downloaded."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

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


@pytest.fixture
def photos(tmp_path):
    """Write pictures of some individuals, and give their table with the columns x and y."""

    def write(counts, size=(8, 8), folder="photos"):
        rows = []
        for number, (label, count) in enumerate(counts.items()):
            for index in range(count):
                path = tmp_path / folder / str(label) / f"{index}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                random = np.random.default_rng([number, index])
                noise = random.integers(0, 256, (*size, 3), np.uint8)
                Image.fromarray(noise).save(path)
                rows.append((str(path), label))
        return pd.DataFrame(rows, columns=["x", "y"])

    return write
