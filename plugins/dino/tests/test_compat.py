"""The command line of the script that is replaced does what it did, with whole images."""

import json

import numpy as np
import pytest

from tokenry_dino import PatchDataset, verify_patches
from tokenry_dino.compat import main

SMALL = ["--weights", "random", "--options", '{"depth": 1, "embed_dim": 48, "num_heads": 3}']


@pytest.fixture
def images(tmp_path, picture):
    folder = tmp_path / "data" / "approved"
    folder.mkdir(parents=True)
    for name, size in {"wide": (120, 80), "square": (64, 64)}.items():
        (folder / f"{name}.png").write_bytes(picture(*size))
    return folder


def script(images, name, *more):
    dataset = str(images.parent / "dataset.jsonl")
    given = ["--input-dir", str(images), "--output-jsonl", dataset, "--pass-filter", name]
    return main([*given, *more])


def test_migrate_gives_every_record_its_bucket(images, capsys):
    assert script(images, "migrate") == 0
    lines = (images.parent / "dataset.jsonl").read_text().splitlines()
    assert [json.loads(line)["aspect_bucket"] for line in lines] == ["1024x1024", "1216x832"]


def test_dinov3_writes_whole_patches_where_the_script_did(images, capsys):
    own = ["--buckets", "96x64", "64x64", "--device", "cpu", "--verbose"]
    assert script(images, "dinov3", *own, *SMALL) == 0
    folder = images.parent / "derived" / "dinov3_patches"
    assert np.load(folder / "wide.npy").shape == (24, 48)
    assert np.load(folder / "square.npy").shape == (16, 48)
    assert verify_patches(folder, images.parent / "dataset.jsonl").exit_code == 0
    assert len(PatchDataset(folder)) == 2


def test_an_unknown_pass_lists_what_there_is(images, capsys):
    with pytest.raises(SystemExit):
        script(images, "dinov4")
    assert "migrate" in capsys.readouterr().err
