"""Made the golden files: `python tests/golden/make.py VERSION PLUGIN ...`, in the root.

Each plugin gets tests/golden/VERSION/PLUGIN: the input, the artifact, the shards of one run, and
`expected.json` with a digest of every array in them. What is there already is never made again.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import tokenry
from tokenry.config import load_config

HERE = Path(__file__).resolve().parent
SUMS = HERE / "SHA256SUMS"
Section = dict[str, Any]


def scalar(random: np.random.Generator) -> Section:
    """Whole numbers, floats of both widths, ties, and missing values."""
    mag = random.normal(18, 2, 200).astype(np.float32)
    write_rows(
        mag_r=pa.array(mag, mask=random.random(200) < 0.1),
        parallax=random.standard_t(3, 200),
        visits=random.integers(0, 9, 200),
    )
    return {"name": "scalar", "n_bins": 16, "scalar_columns": ["mag_r", "parallax", "visits"]}


def spectrum(random: np.random.Generator) -> Section:
    """A rectangular group and a ragged one, with points and rows that are missing."""
    flux = random.gamma(2, size=(60, 20))
    flux[random.random(flux.shape) < 0.05] = np.nan
    lengths = random.integers(0, 12, 60)
    write_rows(
        desi_flux_b=list(flux),
        desi_ivar_b=list(random.gamma(2, size=(60, 20))),
        ztf_mag_g=[random.normal(18, 1, n) for n in lengths],
        ztf_magerr_g=[random.gamma(2, size=n) for n in lengths],
    )
    curve = {"mag_col": "ztf_mag_g", "err_col": "ztf_magerr_g", "kind": "ztf_mag_err"}
    return {"name": "spectrum", "codebook_size": 12, "groups": ["desi_b", {"name": "g", **curve}]}


def patch2d(random: np.random.Generator) -> Section:
    """Pixels, and an image that is missing."""
    images = random.integers(0, 256, (6, 2 * 12 * 10)).astype(np.float32)
    write_rows(image=pa.array([*map(list, images[:5]), None], pa.list_(pa.float32())))
    return {"name": "patch2d", "shape": [2, 12, 10], "patch_size": 4, "stride": 3}


def patch2d_pairs(random: np.random.Generator) -> Section:
    """Pairs with every turn."""
    images = random.integers(0, 256, (6, 16 * 16)).astype(np.float32)
    write_rows(image=list(images))
    return {
        "name": "patch2d-pairs",
        "shape": [1, 16, 16],
        "window": 8,
        "patch_size": 4,
        "num_patches": 2,
        "rotations": [0, 1, 2, 3],
    }


def dino(random: np.random.Generator) -> Section:
    """Images of two buckets, and a model whose weights lie beside."""
    from PIL import Image
    from safetensors.torch import save_file

    from tokenry_dino import DinoPatchTokenizer

    Path("photos").mkdir()
    for name, (width, height) in {"a": (40, 24), "b": (24, 40), "c": (40, 24)}.items():
        pixels = random.integers(0, 256, (height, width, 3), np.uint8)
        Image.fromarray(pixels).save(f"photos/{name}.png")
    options = {"depth": 1, "embed_dim": 24, "num_heads": 2, "patch_size": 8, "img_size": 32}
    model = {"name": "dino-patch", "options": options, "precision": "float32"}
    model |= {"outputs": ["patches", "cls"], "buckets": [[40, 24], [24, 40]]}
    backbone = DinoPatchTokenizer(weights="random", **without_name(model)).backbone
    weights = {name.removeprefix("vit."): t for name, t in backbone.state_dict().items()}
    save_file({name: t.contiguous() for name, t in weights.items()}, "weights.safetensors")
    return {**model, "weights": "weights.safetensors"}


def image(random: np.random.Generator) -> Section:
    """Cutouts of two bands, one of them missing, tokens of a fixed grid and their latents."""
    write_cutouts(random)
    return {"name": "image", **CUTOUTS, "quantizer": "fsq", "latents": True}


def image_kmeans(random: np.random.Generator) -> Section:
    """The same cutouts, tokens of a learned codebook alone."""
    write_cutouts(random)
    return {"name": "image", **CUTOUTS, "quantizer": "kmeans", "latents": False}


def pairs(random: np.random.Generator) -> Section:
    """Sets of one to three photographs of four individuals, and an empty set."""
    sets = [
        [png(random.integers(0, 40, (8, 8, 3)) + 60 * who) for _ in range(1 + row % 3)]
        for row in range(8)
        for who in (row % 4,)
    ]
    write_rows(set=pa.array([*sets, []]), label=pa.array([*(f"i{i % 4}" for i in range(8)), None]))
    small = {"img_size": 8, "patch_size": 4, "embed_dim": 16, "depth": 1, "num_heads": 2}
    plan = {"num_epochs": 1, "num_pairs_per_epoch": 8, "batch_size": 4, "images_per_set": 1}
    section: Section = {"name": "pairs", "pretrained": False, "options": small, "embed_dim": 8}
    return {**section, "reasoning_type": "siamese", "validation": 0.0, "training": plan}


# By the name of the folder. A plugin that comes later adds a function and a line.
CASES: Mapping[str, Callable[[np.random.Generator], Section]] = {
    "scalar": scalar,
    "spectrum": spectrum,
    "patch2d": patch2d,
    "patch2d_pairs": patch2d_pairs,
    "dino": dino,
    "image": image,
    "image_kmeans": image_kmeans,
    "pairs": pairs,
}
CUTOUTS: Section = {
    "cutout_size": 8,
    "bands": ["R", "G"],
    "codebook_size": 16,
    "options": {"width": 8, "blocks": 1},
    "training": {"steps": 20, "batch_size": 8},
}
# Times, machines and paths.
LEFT_OUT = (".lock", "journal.jsonl", "quarantine.jsonl", "run.json", "*.training*")
SINKS = {"spectrum": ["npz"], "dino": ["parquet", "npy", "webdataset"]}


def write_rows(**columns: Any) -> None:
    """Write the input, with ids."""
    count = len(next(iter(columns.values())))
    pq.write_table(pa.table({"id": np.arange(count) + 100, **columns}), "rows.parquet")


def write_cutouts(random: np.random.Generator) -> None:
    """Write smooth cutouts, of which one has no image."""
    place = np.arange(8) - 3.5
    blobs = np.exp(-(place[:, None] ** 2 + place**2) / random.uniform(2, 20, (24, 2, 1, 1)))
    blobs = (blobs + random.normal(size=blobs.shape) * 0.05).astype(np.float32).reshape(24, 2, 64)
    bands = [pa.array([*map(list, blobs[:23, i]), None], pa.list_(pa.float32())) for i in range(2)]
    write_rows(splus_cut_R=bands[0], splus_cut_G=bands[1])


def png(pixels: np.ndarray) -> bytes:
    """Give an image as the bytes of a file."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def without_name(section: Section) -> Section:
    """Give the options alone."""
    return {key: value for key, value in section.items() if key != "name"}


def make(version: str, case: str) -> None:
    """Make one folder; refuses one that is there."""
    folder = HERE / version / case
    folder.mkdir(parents=True)
    os.chdir(folder)
    section = CASES[case](np.random.default_rng(0))
    source: Section = {"name": "parquet", "path": "rows.parquet"}
    if Path("photos").exists():
        source = {"name": "images", "path": "photos", "buckets": section["buckets"]}
    run: Section = {"source": source, "tokenizers": {case: section}, "artifacts": "."}
    tokenizer = load_config(run).tokenizers[case].make()
    if tokenizer.is_fitted:
        tokenizer.save(f"{case}.safetensors")
    else:
        tokenry.train(run, progress=False)
    for sink in SINKS.get(case, ["parquet"]):
        target = "tokens" if sink in ("parquet", "npz") else sink
        tokenry.encode({**run, "sink": {"name": sink, "path": target}}, progress=False)
    for left in [path for name in LEFT_OUT for path in Path().rglob(name)]:
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    Path("expected.json").write_text(json.dumps(digests(Path("tokens")), indent=1) + "\n")
    with open(SUMS, "a") as sums:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            sums.write(f"{sha256(file.read_bytes())}  {file.relative_to(HERE).as_posix()}\n")


def digests(tokens: Path) -> dict[str, dict[str, str]]:
    """Give dtype, shape and digest of every array of a run."""
    batch = tokenry.open_tokens(tokens).load()
    keys = [key for spec in batch.spec.fields for key in spec.keys]
    return {
        key: {
            "dtype": str(batch[key].dtype),
            "shape": str(batch[key].shape),
            "sha256": sha256(np.ascontiguousarray(batch[key]).tobytes()),
        }
        for key in [*keys, "ids"]
    }


def sha256(data: bytes) -> str:
    """Give the digest of some bytes."""
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    for wanted in sys.argv[2:]:
        make(sys.argv[1], wanted)
