"""Learn from handwritten digits whether two sets of pictures show the same one."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from tokenry_pairs import PairMatchingTrainer, read_labels

SHADES = " .:-=+*#%@"


def write_digits(folder: Path) -> None:
    """Write PART/DIGIT/NUMBER.png: two thirds for training, the rest for the test."""
    found = load_digits()
    for number, (pixels, digit) in enumerate(zip(found.images, found.target, strict=True)):
        part = "test" if number % 3 == 0 else "training"
        path = folder / part / str(digit) / f"{number:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.clip(pixels * 16, 0, 255).astype(np.uint8)).save(path)


def drawn(paths: list[str]) -> list[str]:
    """Give pictures side by side as lines of text."""
    pictures = [np.asarray(Image.open(path).convert("L")) // 26 for path in paths]
    return ["  ".join("".join(SHADES[v] for v in p[row]) for p in pictures) for row in range(8)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("digits"))
    parser.add_argument("--epochs", type=int, default=24)
    args = parser.parse_args()
    write_digits(args.folder)

    trainer = PairMatchingTrainer(
        reasoning_type="siamese",
        embed_dim=64,
        pretrained=False,
        backbone_options={
            "img_size": 8,
            "patch_size": 2,
            "embed_dim": 64,
            "depth": 2,
            "num_heads": 4,
        },
    )
    result = trainer.train(
        args.folder / "training",
        validation_by="image",
        num_epochs=args.epochs,
        num_pairs_per_epoch=240,
        validation_pairs=300,
        batch_size=24,
        lr=3e-3,
    )
    for epoch in result["history"]:
        print(f"epoch {epoch['epoch']}: loss {epoch['loss']:.3f}, AUC {epoch['auc_roc']:.4f}")

    figures = trainer.evaluate(args.folder / "test", report=args.folder / "report.html")
    print(f"\npairs of 3 + 3 unseen pictures: AUC {figures['auc_roc']:.4f},"
          f" calibration error {figures['calibration_error']:.3f}")  # fmt: skip

    test = read_labels(args.folder / "test")
    queries = {digit: list(rows)[:3] for digit, rows in test.groupby("y")["x"]}
    for match in trainer.match(args.folder / "training", queries, false_match_rate=0.01)[:4]:
        likely = ", ".join(f"{c.label} ({c.probability:.0%})" for c in match.ranking[:3])
        print(f"\nthree pictures of a {match.query} look like: {likely}")
        print("\n".join(drawn(queries[match.query])))

    trainer.save(args.folder / "digits.safetensors")
    print(f"\nsee {args.folder / 'report.html'} and {args.folder / 'digits.safetensors'}")


if __name__ == "__main__":
    main()
