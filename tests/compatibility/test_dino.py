"""The document "Regenerating DINO Patches": its commands, shapes and check-list."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tokenry.cli import main
from tokenry_core.errors import MissingColumn
from tokenry_dino import (
    DEFAULT_BUCKETS,
    DinoPatchTokenizer,
    ImagesSource,
    NpySink,
    PatchDataset,
    bucket_input_size,
    collate_packed,
    collate_padded,
    verify_patches,
)
from tokenry_dino.compat import main as script

BUCKETS = ["--buckets", "84x56", "56x84"]
SMALL = ["--weights", "random", "--options", '{"depth": 1, "embed_dim": 48, "num_heads": 3}']
MODEL = ["--model", "dinov2_vits14", *SMALL, *BUCKETS]
GIVEN = ["--input-dir", "data/approved", "--output-jsonl", "data/dataset.jsonl"]
PATCHES = Path("data/derived/dinov3_patches")

TABLE = {
    "1024x1024": (1022, 1022, 5329),
    "1216x832": (1218, 826, 5133),
    "832x1216": (826, 1218, 5133),
    "1280x768": (1274, 770, 5005),
    "768x1280": (770, 1274, 5005),
    "1344x704": (1344, 700, 4800),
    "704x1344": (700, 1344, 4800),
}


@pytest.fixture(autouse=True)
def approved(tmp_path, monkeypatch):
    """Stand in a folder with images, in which buckets are already known."""
    monkeypatch.chdir(tmp_path)
    Path("data/approved").mkdir(parents=True)
    for name, size in {"image_001": (120, 80), "image_002": (80, 120)}.items():
        noise = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), np.uint8)
        Image.fromarray(noise).save(f"data/approved/{name}.png")


def test_buckets_have_the_inputs_and_patches_of_the_table():
    assert [str(bucket) for bucket in DEFAULT_BUCKETS] == list(TABLE)
    for bucket in DEFAULT_BUCKETS:
        width, height = bucket_input_size(bucket, patch=14)
        assert (width, height, width * height // 14**2) == TABLE[str(bucket)]


def test_the_line_of_the_script_regenerates_and_verifies(capsys):
    assert script([*GIVEN, "--pass-filter", "migrate"]) == 0
    Path("data/dataset.jsonl").unlink()
    options = [*BUCKETS, *SMALL, "--device", "cpu", "--verbose"]
    assert script([*GIVEN, "--pass-filter", "dinov3", *options]) == 0
    assert np.load(PATCHES / "image_001.npy").ndim == 2
    assert main(["dino", "verify", str(PATCHES), "--dataset", "data/dataset.jsonl"]) == 0
    assert "every image has its patches" in capsys.readouterr().out
    assert verify_patches(PATCHES, "data/dataset.jsonl").exit_code == 0


def test_old_patches_are_refused_or_moved_aside(capsys):
    PATCHES.mkdir(parents=True)
    np.save(PATCHES / "image_001.npy", np.zeros((196, 48), np.float16))
    encode = ["dino", "encode", *GIVEN, *MODEL, "--output-dir", str(PATCHES)]
    assert main(encode) == 2
    assert "not to be mixed" in " ".join(capsys.readouterr().err.split())
    verify = ["dino", "verify", str(PATCHES), "--dataset", "data/approved", *MODEL]
    assert main(verify) == 1
    assert "196 patches of a 224-pixel centre crop" in capsys.readouterr().out
    assert main([*encode, "--move-aside"]) == 0
    assert Path(f"{PATCHES}_OLD_1/image_001.npy").exists()
    assert main(verify) == 0
    out = capsys.readouterr().out
    assert "4x6       (24, 48)        2,304" in out  # grid, shape and bytes of a bucket
    assert "6x4       (24, 48)        2,304" in out


def test_a_record_without_a_bucket_is_told_the_command():
    Path("data/dataset.jsonl").write_text('{"image_path": "approved/image_001.png"}\n')
    with pytest.raises(MissingColumn, match="aspect_bucket not found.*assign-buckets"):
        ImagesSource(path="data/dataset.jsonl").fragments()


def test_records_keep_their_ids(capsys):
    given = ["data/approved", "--output", "data/dataset.jsonl", *BUCKETS]
    assert main(["dino", "assign-buckets", *given]) == 0
    lines = Path("data/dataset.jsonl").read_text().splitlines()
    assert json.loads(lines[0]) == {
        "image_id": "image_001",
        "image_path": "approved/image_001.png",
        "aspect_bucket": "84x56",
    }
    assert len(ImagesSource(path="data/dataset.jsonl").records) == 2


def test_patches_of_different_lengths_make_batches(tmp_path):
    tokenizer = DinoPatchTokenizer(
        weights="random",
        options={"depth": 1, "embed_dim": 48, "num_heads": 3},
        buckets=[(84, 56), (28, 28)],
    )
    tokens = tokenizer.encode(ImagesSource(path="data/approved", buckets=[(84, 56), (28, 28)]))
    for file in NpySink(path=str(tmp_path)).write("part", [tokens], {}):
        file.rename(file.with_suffix(""))
    samples = list(map(PatchDataset(tmp_path).__getitem__, range(2)))
    assert collate_padded(samples)["patches"].shape == (2, 24, 48)
    assert collate_packed(samples)["patches"].shape == (28, 48)
