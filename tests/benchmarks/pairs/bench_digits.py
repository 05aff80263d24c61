"""Handwritten digits as individuals: how well a small model from nothing tells them apart.

    python tests/benchmarks/pairs/bench_digits.py [--quick] [--steps 1200] [--heads siamese ...]

Eight digits are trained on, two are held out, in five fixed choices. 30 % of the pictures of the
eight are kept: pairs of sets of 3 of them are the seen individuals, unseen pictures; pairs of the
two others are individuals that were never seen. Training adds individuals recombined of the
eight. The yardstick is the cosine of the sets' mean pictures. The last part moves every picture by
up to one pixel and adds noise of 0.1; there the eight digits alone are trained on, moved anew each
step.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any, NamedTuple

import numpy as np
import torch
from _digits import SMALL, digits, disturbed, recombined, scored_sets, shifted, table, yardstick

from tokenry_pairs import PairMatchingModel, pair_metrics, train_pair_matching_model
from tokenry_pairs.evaluation import score_pairs

HELD_OUT = ((0, 1), (2, 3), (4, 5), (6, 7), (8, 9))
PAIRS = 2000


class Found(NamedTuple):
    """Areas under the ROC curve, of the model and of the yardstick, and the seconds of training."""

    seen: float
    seen_yardstick: float
    held: float
    held_yardstick: float
    seconds: float


def trained(df: Any, head: str, args: Any, moved: bool) -> tuple[PairMatchingModel, float]:
    """Train a model from nothing; gives it and the seconds."""
    model = PairMatchingModel(
        "vit_b_16", args.pooling, head, 64, pretrained=False, backbone_options=SMALL
    )
    epochs = 4
    start = time.perf_counter()
    train_pair_matching_model(
        model,
        df,
        num_pairs_per_epoch=args.sets // 2 * args.steps // epochs,
        batch_size=args.sets // 2,
        num_epochs=epochs,
        lr=args.lr,
        batch_pairs="all",
        hard_negatives=0.0 if moved else args.hard,
        augment=shifted if moved else None,
        seed=args.seed,
    )
    return model, time.perf_counter() - start


def run(held: tuple[int, int], head: str, args: Any, moved: bool = False) -> Found:
    """Train without two digits; measure on unseen pictures of the others, and on those two."""
    images, labels = digits()
    if moved:
        images = disturbed(images, seed=1)
    new = np.isin(labels, held)
    kept = np.random.default_rng(0).random(len(labels)) < 0.3
    given = images[~new & ~kept], labels[~new & ~kept]
    df = table(*(given if moved else recombined(*given)))
    model, seconds = trained(df, head, args, moved)
    areas = []
    for mask in (~new & kept, new):
        scores = score_pairs(model, table(images[mask], labels[mask]), PAIRS)
        cosines, same = yardstick(images[mask], scored_sets(labels[mask], PAIRS, 0))
        areas += [
            pair_metrics(values, scored)["auc_roc"]
            for values, scored in ((scores.same, scores.logits), (same, cosines))
        ]
    return Found(*areas, seconds)


def show(name: str, found: Found) -> None:
    """Print one line of the table."""
    print(
        f"{name:34s} {found.seen:8.4f} {found.seen_yardstick:8.4f} {found.held:9.4f}"
        f" {found.held_yardstick:8.4f} {found.seconds:6.0f} s",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--sets", type=int, default=48)
    parser.add_argument("--hard", type=float, default=0.8)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pooling", default="attention")
    parser.add_argument("--heads", nargs="+", default=["siamese", "concat_mlp", "cross_attention"])
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    choices = HELD_OUT[:1] if args.quick else HELD_OUT
    args.steps = 8 if args.quick else args.steps
    print(f"{'':34s} {'seen':>8s} {'cosine':>8s} {'held out':>9s} {'cosine':>8s}")
    rows = []
    for head in args.heads:
        # the siamese head has a target; of the others, one choice says enough
        found = [run(held, head, args) for held in (choices if head == "siamese" else choices[:1])]
        for held, one in zip(choices, found, strict=False):
            show(f"{head}, without {held}", one)
        mean = Found(*np.mean(found, 0).tolist())
        show(f"{head}, mean of {len(found)}", mean)
        rows.append({"head": head, "moved": False, **mean._asdict(), "checked": True})
    found = run(choices[0], args.heads[0], args, moved=True)
    show(f"{args.heads[0]}, moved and noisy", found)
    rows.append({"head": args.heads[0], "moved": True, **found._asdict(), "checked": True})
    print(json.dumps({"benchmark": "pairs/digits", "rows": rows}))


if __name__ == "__main__":
    main()
