"""Small models, and pictures of individuals that are easy to tell apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from tokenry_pairs import PairMatchingModel

torch.set_num_threads(1)  # models this small only wait for each other's threads

SMALL = {"img_size": 8, "patch_size": 4, "embed_dim": 16, "depth": 1, "num_heads": 2}


def small_model(reasoning="siamese", pooling="attention", *, seed=0, **options):
    return PairMatchingModel(
        "vit_b_16",
        pooling,
        reasoning,
        8,
        pretrained=False,
        seed=seed,
        backbone_options=SMALL,
        **options,
    )


def people(labels=4, images=8, seed=0):
    """Give a table of noisy pictures, each of one of some patterns."""
    rng = np.random.default_rng(seed)
    patterns = np.random.default_rng(0).uniform(40, 215, (labels, 8, 8, 3))
    noisy = patterns[:, None] + rng.normal(0, 20, (labels, images, 8, 8, 3))
    pixels = np.clip(noisy, 0, 255).astype(np.uint8).reshape(-1, 8, 8, 3)
    return pd.DataFrame({"x": list(pixels), "y": np.repeat(np.arange(labels), images)})


@pytest.fixture
def make_model():
    return small_model


@pytest.fixture
def make_people():
    return people
