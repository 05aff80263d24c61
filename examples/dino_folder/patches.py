"""Patch embeddings of a folder of photographs, and a picture of what they see.

Every photograph goes to the bucket nearest to its shape, whole and uncropped; its patches are one
`.npy` file. The picture shows the three main directions of all patches of all photographs as red,
green and blue, so that a colour means the same everywhere.
"""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

import tokenry
from tokenry.config import load_config
from tokenry_dino import (
    ImagesSource,
    Verification,
    assign_buckets,
    parse_bucket,
    verify_patches,
)

HERE = Path(__file__).resolve().parent
# Widths and heights; the seven defaults around 1024 x 1024 suit photographs of full size.
BUCKETS = [(336, 224), (224, 336), (280, 280)]


def write_photos(folder: Path) -> None:
    """Write photographs that come with scikit-image and scikit-learn, of different shapes."""
    from skimage import data
    from sklearn.datasets import load_sample_images

    folder.mkdir(parents=True)
    photos = {name: getattr(data, name)() for name in ("astronaut", "chelsea", "coffee", "rocket")}
    china, flower = load_sample_images().images
    photos |= {"china": china, "flower": np.ascontiguousarray(flower[:, 160:440])}
    for name, pixels in photos.items():
        Image.fromarray(pixels).save(folder / f"{name}.jpg")


def main_directions(patches: np.ndarray) -> np.ndarray:
    """Give (n, 3) colours: the first three principal components of (n, dim) embeddings."""
    centred = patches.astype(np.float32) - patches.mean(0, dtype=np.float32)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    parts = centred @ directions[:3].T
    low, high = np.percentile(parts, [2, 98], axis=0)
    return np.clip((parts - low) / (high - low), 0, 1)


def draw(source: ImagesSource, found: Verification, target: str) -> None:
    """Draw every photograph above the colours of its patches."""
    records = source.records
    patches = [np.load(f"patches/{record.image_id}.npy") for record in records]
    ends = np.cumsum([len(part) for part in patches])
    colours = np.split(main_directions(np.concatenate(patches)), ends[:-1])
    figure = Figure(figsize=(2.2 * len(records), 4), layout="tight")
    axes = figure.subplots(2, len(records))
    for record, mine, (above, below) in zip(records, colours, axes.T, strict=True):
        rows, columns = found.geometry.grid(parse_bucket(record.bucket))
        above.imshow(Image.open(record.path).resize((16 * columns, 16 * rows)))
        below.imshow(mine.reshape(rows, columns, 3))
        below.set_xlabel(f"{rows} x {columns}")
        for axis in (above, below):
            axis.set(xticks=[], yticks=[])
    figure.savefig(target, dpi=110)


def main(argv: list[str] | None = None) -> Verification:
    """Run everything below ./dino; gives what `tokenry dino verify` says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, help="a folder of your own")
    parser.add_argument("--pretrained", metavar="MODEL", help="as dinov2_vits14: downloads it")
    arguments = parser.parse_args(argv)
    source = arguments.photos and arguments.photos.resolve()
    folder = Path("dino")
    shutil.rmtree(folder, ignore_errors=True)
    if source:
        shutil.copytree(source, folder / "photos")
    else:
        write_photos(folder / "photos")
    shutil.copy(HERE / "run.yaml", folder)
    os.chdir(folder)

    assigned = assign_buckets("photos", "photos/dataset.jsonl", buckets=BUCKETS)
    print(f"photographs in each bucket: {assigned.buckets}")
    run = dict(load_config("run.yaml").raw)
    if arguments.pretrained:
        run["tokenizers"] = {"dino": {"name": "dino-patch", "model": arguments.pretrained}}
    print(tokenry.encode(run, progress=False))

    config = load_config(run).tokenizers.dino.config
    found = verify_patches("patches", "photos/dataset.jsonl", config)
    print(found)
    draw(ImagesSource(path="photos/dataset.jsonl"), found, "patches.png")
    print("picture: dino/patches.png")
    return found


if __name__ == "__main__":
    main()
