"""Small models and pictures that the tests make themselves: nothing is downloaded."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from tokenry_core import Registry
from tokenry_dino import DinoPatchTokenizer

torch.set_num_threads(1)  # models this small only wait for each other's threads

SMALL = {"depth": 2, "embed_dim": 48, "num_heads": 3, "init_values": 1.0}
BUCKETS = ((84, 56), (56, 84), (70, 70))

PATCH_MEAN = '''
import os
import time

import torch
from tokenry_dino import Features


class PatchMean(torch.nn.Module):
    """Gives each patch's mean colour, in grey levels."""

    token_dim, patch_size, has_cls, registers = 3, 16, False, 0
    mean, std = (0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255)

    def num_tokens(self, height, width):
        return (height // 16) * (width // 16)

    def forward(self, images):
        time.sleep(float(os.environ.get("PATCH_MEAN_SECONDS", 0)))
        return Features(torch.nn.functional.avg_pool2d(images, 16).flatten(2).mT)


class Factory:
    kind = "backbone"

    def __call__(self, **options):
        return PatchMean()


patch_mean = Factory()
'''


@pytest.fixture
def small():
    """Make a tokenizer with a small random model and small buckets."""

    def make(model="dinov2_vits14", **options):
        defaults = {
            "weights": "random",
            "options": SMALL,
            "buckets": BUCKETS,
            "precision": "float32",
            "dtype": "float32",
        }
        return DinoPatchTokenizer(model=model, **{**defaults, **options})

    return make


@pytest.fixture
def picture():
    """Make the bytes of a PNG of noise, the same for the same arguments."""

    def make(width=84, height=56, seed=0, form="PNG"):
        noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
        return encoded(noise, form)

    return make


@pytest.fixture
def encode_image():
    """Encode an array or a Pillow image."""
    return encoded


@pytest.fixture
def patch_mean(tmp_path_factory, monkeypatch):
    """Install a package that provides the backbone "patch-mean"."""
    folder = tmp_path_factory.mktemp("site")
    info = folder / "tokenry_patch_mean-1.0.dist-info"
    info.mkdir()
    (folder / "tokenry_patch_mean.py").write_text(PATCH_MEAN)
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: tokenry-patch-mean\nVersion: 1.0\n"
    )
    (info / "entry_points.txt").write_text(
        "[tokenry.models]\npatch-mean = tokenry_patch_mean:patch_mean\n"
    )
    monkeypatch.setenv("TOKENRY_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.syspath_prepend(str(folder))
    Registry("tokenry.models").refresh()
    yield "patch-mean"
    monkeypatch.undo()
    Registry("tokenry.models").refresh()


def encoded(image, form="PNG", **options):
    file = io.BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(file, form, **options)
    return file.getvalue()
