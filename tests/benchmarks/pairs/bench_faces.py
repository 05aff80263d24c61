"""Faces and other things, 25 x 25 pixels: a whole pipeline, from files to a report.

    python tests/benchmarks/pairs/bench_faces.py [--quick] [--keep FOLDER]

100 faces and 100 patches without one (scikit-image's lfw_subset) are written as PNG files; 30 of
each are kept for the test. A run file trains on the rest, encodes, and reports; its artifact then
says of pairs of sets of 3 unseen pictures whether both show faces, or both none.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from _digits import scored_sets, yardstick
from PIL import Image

from tokenry_pairs import PairMatchingTrainer

TEST = 30  # of each kind


def write_pictures(folder: Path) -> None:
    """Write training/KIND/NUMBER.png and test/KIND/NUMBER.png."""
    from skimage.data import lfw_subset

    images = np.round(255 * np.asarray(lfw_subset())).astype(np.uint8)
    for number, image in enumerate(images):
        kind, index = ("face", number) if number < 100 else ("other", number - 100)
        part = "test" if index >= 100 - TEST else "training"
        path = folder / part / kind / f"{index:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)


def run_of(folder: Path, quick: bool) -> dict[str, object]:
    """Give the run file, as a mapping."""
    small = {"img_size": 24, "patch_size": 4, "embed_dim": 64, "depth": 2, "num_heads": 4}
    plan = {
        "num_epochs": 2 if quick else 12,
        "num_pairs_per_epoch": 48 if quick else 240,
        "batch_size": 12,
        "lr": 1e-3,
    }
    tokenizer = {
        "name": "pairs",
        "pretrained": False,
        "options": small,
        "reasoning_type": "siamese",
        "embed_dim": 64,
        "validation_by": "image",
        "training": plan,
    }
    source = {"name": "labeled-images", "path": str(folder / "training"), "images_per_set": 3}
    return {
        "source": source,
        "tokenizers": {"faces": tokenizer},
        "artifacts": str(folder / "artifacts"),
        "sink": {"name": "parquet", "path": str(folder / "tokens")},
        "engine": {"name": "local", "mode": "serial"},
    }


def test_of(folder: Path) -> tuple[list[Path], np.ndarray]:
    """Give the unseen pictures, and the kind of each."""
    paths = sorted((folder / "test").glob("*/*.png"))
    return paths, np.array([path.parent.name for path in paths])


def main() -> None:
    import tokenry
    from tokenry.report import write_report
    from tokenry_pairs import pair_metrics

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--keep", type=Path, help="write everything there, to look at it")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = args.keep or Path(made)
        write_pictures(folder)
        run = run_of(folder, args.quick)
        start = time.perf_counter()
        tokenry.train(run)
        trained = time.perf_counter() - start
        summary = tokenry.encode(run)
        assert summary.exit_code == 0, summary
        page = write_report(folder / "tokens")
        trainer = PairMatchingTrainer.load(folder / "artifacts" / "faces.safetensors")
        paths, kinds = test_of(folder)
        ours = trainer.evaluate(folder / "test", num_pairs=2000, report=folder / "test.html")
        pixels = np.stack([np.asarray(Image.open(path), np.float32) for path in paths])
        cosines, same = yardstick(pixels, scored_sets(kinds, 2000, 0))
        other = pair_metrics(same, cosines)["auc_roc"]
    print(f"\npairs/faces: trained in {trained:.0f} s; report {page}")
    print(f"{'AUC of pairs of 3 + 3 unseen pictures':40s} {ours['auc_roc']:.4f}")
    print(f"{'cosine of mean pixels':40s} {other:.4f}")
    row = {"auc": ours["auc_roc"], "yardstick": other, "seconds": trained, "checked": True}
    print(json.dumps({"benchmark": "pairs/faces", "rows": [row]}))


if __name__ == "__main__":
    main()
