"""Whole runs: from image files to the files of the sinks."""

import json
import os
import signal
import struct
import subprocess
import sys
import time
import zlib

import numpy as np
import pytest
from PIL import Image

import tokenry
from tokenry_core.errors import ConfigError
from tokenry_dino._command import main

OPTIONS = {"depth": 2, "embed_dim": 48, "num_heads": 3}
DINO = {"name": "dino-patch", "weights": "random", "options": OPTIONS}
SIZES = [(84, 56), (56, 84), (70, 70)]


@pytest.fixture
def folder(tmp_path, picture):
    images = tmp_path / "images"
    images.mkdir()
    for i in range(12):
        (images / f"im{i}.png").write_bytes(picture(*SIZES[i % 3], seed=i))
    return images


@pytest.fixture
def run(folder):
    """Make a run over the folder; keywords replace its parts."""

    def make(output, **parts):
        return {
            "source": {
                "name": "images",
                "path": str(folder),
                "buckets": SIZES,
                "fragment_images": 1,
                **parts.pop("source", {}),
            },
            "tokenizers": {"dino": {**DINO, **parts.pop("dino", {})}},
            "sink": {"name": "npy", "path": str(folder.parent / output), **parts.pop("sink", {})},
            "engine": {"name": "local", "mode": "serial"},
            **parts,
        }

    return make


def contents(folder):
    skipped = ("journal.jsonl", ".lock")
    files = (path for path in folder.rglob("*") if path.is_file() and path.name not in skipped)
    return {path.name: path.read_bytes() for path in files if path.name != "run.json"}


def test_a_patch_mean_model_gives_exact_colours_from_png_to_npy(run, folder, patch_mean):
    sizes = [(96, 64), (64, 96), (80, 80)]
    for path in folder.iterdir():
        path.unlink()
    images = {}
    for i, (width, height) in enumerate(sizes):
        images[i] = np.random.default_rng(i).integers(0, 256, (height, width, 3), np.uint8)
        Image.fromarray(images[i]).save(folder / f"{i}.png")
    dino = {"model": patch_mean, "dtype": "float32", "precision": "float32", "options": {}}
    summary = tokenry.encode(run("out", dino=dino, source={"buckets": sizes}))
    assert summary.exit_code == 0
    for i, image in images.items():
        height, width = image.shape[:2]
        blocks = image.reshape(height // 16, 16, width // 16, 16, 3).astype(np.float32)
        expected = blocks.mean((1, 3)).reshape(-1, 3)
        assert np.array_equal(np.load(folder.parent / "out" / f"{i}.npy"), expected)


def test_hostile_files_are_quarantined_and_the_rest_is_encoded(run, folder, picture):
    noise = np.random.default_rng(0).bytes(3000)
    png = picture()
    hostile = {
        "random.png": noise,
        "truncated.png": png[: len(png) // 2],
        "empty.jpg": b"",
        "text.jpg": b"not an image at all",
        "bomb.png": bomb(60_000, 60_000),
        "flat.png": bomb(0, 10),
    }
    for name, data in hostile.items():
        (folder / name).write_bytes(data)
    (folder / "really_a_png.jpg").write_bytes(png)
    summary = tokenry.encode(run("out", source={"fragment_images": 5}))
    assert (summary.rows_in, summary.rows_out, summary.quarantined_rows) == (19, 13, 6)
    lines = (folder.parent / "out" / "quarantine.jsonl").read_text().splitlines()
    reasons = {line["row"]: line["reason"] for line in map(json.loads, lines)}
    assert set(reasons) == {name.partition(".")[0] for name in hostile}
    assert all(reasons.values())
    assert len(list((folder.parent / "out").glob("*.npy"))) == 13


@pytest.mark.slow
@pytest.mark.parametrize("sink", ["npy", "webdataset"])
def test_a_killed_run_goes_on_to_the_same_files(run, folder, patch_mean, sink):
    def parts():
        return {"dino": {"model": patch_mean, "options": {}}, "sink": {"name": sink}}

    plan, killed = folder.parent / "run.json", folder.parent / "killed"
    plan.write_text(json.dumps(run("killed", **parts())))
    tokenry.encode(run("whole", **parts()))
    slowly = {**os.environ, "PATCH_MEAN_SECONDS": "0.2", "PYTHONPATH": sys.path[0]}
    command = [sys.executable, "-m", "tokenry", "encode", "--quiet", str(plan)]
    with subprocess.Popen(command, env=slowly) as process:
        while process.poll() is None and finished(killed) < 3:
            time.sleep(0.01)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert "manifest.json" not in contents(killed)
    summary = tokenry.encode(run("killed", **parts()))
    assert 3 <= summary.finished_before < 12
    assert contents(killed) == contents(folder.parent / "whole")


def finished(folder):
    journal = folder / "journal.jsonl"
    return len(journal.read_bytes().splitlines()) - 1 if journal.exists() else 0


@pytest.mark.slow
def test_the_number_of_workers_does_not_change_a_byte(run, folder):
    tokenry.encode(run("one"))
    tokenry.encode(run("two", engine={"name": "local", "workers": 2}))
    assert contents(folder.parent / "one") == contents(folder.parent / "two")


def encode(folder, *more):
    return main(
        [
            *[
                "encode",
                "--input-dir",
                str(folder),
                "--output-jsonl",
                str(folder.parent / "d.jsonl"),
            ],
            *["--weights", "random", "--options", json.dumps(OPTIONS), "--threads", "1"],
            *["--buckets", "84x56", "56x84", "70x70", *more],
        ]
    )


def test_one_command_makes_dataset_patches_and_what_verifies_them(folder, capsys):
    assert encode(folder) == 0
    patches = folder.parent / "derived" / "dinov2_vits14_patches"
    assert len(list(patches.glob("*.npy"))) == 12
    assert "12 rows encoded" in capsys.readouterr().out
    dataset = str(folder.parent / "d.jsonl")
    assert main(["verify", str(patches), "--dataset", dataset]) == 0
    out = capsys.readouterr().out
    assert "56x84        4       6x4       (24, 48)" in out


def test_patches_of_another_fit_are_refused_until_the_older_are_moved_aside(folder, capsys):
    assert encode(folder) == 0
    with pytest.raises(ConfigError, match="--move-aside"):
        encode(folder, "--fit", "cover")
    assert encode(folder, "--fit", "cover", "--move-aside") == 0
    derived = folder.parent / "derived"
    old = np.load(derived / "dinov2_vits14_patches_OLD_1" / "im0.npy")
    assert old.shape == np.load(derived / "dinov2_vits14_patches" / "im0.npy").shape
    assert (derived / "dinov2_vits14_patches_OLD_1.safetensors").exists()


def test_patches_of_unknown_origin_are_refused(folder):
    patches = folder.parent / "derived" / "dinov2_vits14_patches"
    patches.mkdir(parents=True)
    np.save(patches / "im0.npy", np.zeros((196, 48)))
    with pytest.raises(ConfigError, match="no run of Tokenry made"):
        encode(folder)


def bomb(width, height):
    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data
