"""Training with a frozen backbone: on tokens that are computed once, and with it in every step.

    python tests/benchmarks/pairs/bench_cache.py [--quick] [--pooling attention]

An epoch is 128 pairs of 3 + 3 among 96 pictures of 224 x 224, of a ViT-S/14 with random weights.
The peer is the plain loop: all pictures of a step go through the model; it is timed for a quarter
of an epoch, in which the losses of both are the same, which is checked. The second row is the first
epoch, in which the tokens are computed and written, beside one pass of the backbone, both over a
quarter of the pictures and in turn.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from tokenry_benchmarks import Row, contend, report
from tokenry_core import Session
from tokenry_pairs import ImageTransform, PairMatchingLoss, PairMatchingModel, TrainingPlan
from tokenry_pairs.training._images import Images
from tokenry_pairs.training._pairs import PairSampler
from tokenry_pairs.training._plan import learning_rate
from tokenry_pairs.training._train import train_by_plan

BACKBONE = "timm/vit_small_patch14_dinov2"


@dataclass
class Clock:
    """Times what a training tells of itself."""

    begun: float = field(default_factory=time.perf_counter)
    ends: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)

    def event(self, name: str, values: Any) -> None:
        """Take an epoch's end."""
        if name == "epoch":
            self.ends.append(time.perf_counter())
            self.losses.append(values["loss"])


def pictures(count: int, side: int) -> Any:
    """Give noise of eight individuals, as arrays."""
    import pandas as pd

    images = np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8)
    return pd.DataFrame({"x": list(images), "y": np.arange(count) % 8})


def model_of(args: Any) -> PairMatchingModel:
    """Give the same model each time, at the pictures' size."""
    options = {"img_size": args.side, "init_values": 1.0}
    return PairMatchingModel(
        BACKBONE, args.pooling, freeze_backbone=True, pretrained=False, backbone_options=options
    )


def plain_epoch(
    model: PairMatchingModel, images: Images, plan: TrainingPlan
) -> tuple[float, float]:
    """Train an epoch as a script does; gives its mean loss, and its seconds."""
    sampler, loss_of = PairSampler(images.groups, plan, 0), PairMatchingLoss()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, weight_decay=plan.weight_decay)
    steps, losses = plan.steps_per_epoch, []
    model.train()
    start = time.perf_counter()
    for step in range(steps):
        draw = sampler.draw(0, step)
        half = len(draw.sets) // 2
        a, b = (
            torch.stack([images.pixels(rows) for rows in sets])
            for sets in (draw.sets[:half], draw.sets[half:])
        )
        loss = loss_of(model(a, b), torch.from_numpy(draw.same))
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(plan.lr, step, steps * plan.num_epochs, plan.warmup)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        losses.append(loss.item())
    return float(np.mean(losses)), time.perf_counter() - start


def first_epoch(model: PairMatchingModel, df: Any, plan: TrainingPlan) -> None:
    """Train the epoch in which the tokens are computed and written."""
    with tempfile.TemporaryDirectory() as folder:
        train_by_plan(model, df, None, plan, Session(seed=0), cache=folder)


def one_pass(model: PairMatchingModel, df: Any) -> None:
    """Run the backbone once over all pictures."""
    images = Images(df, ImageTransform.of(model.backbone))
    with torch.no_grad():
        for first in range(0, len(images), 32):
            model.tokens(images.pixels(np.arange(first, min(first + 32, len(images)))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--pooling", default="attention")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    args.side, count, pairs = (112, 24, 32) if args.quick else (224, 96, 128)
    df = pictures(count, args.side)
    plan = TrainingPlan(
        num_pairs_per_epoch=pairs,
        batch_size=min(16, pairs // 4),
        num_epochs=12,
        batch_pairs="random",
        amp="float32",
        checkpoint_every=10_000,
    )
    quarter = replace(plan, num_pairs_per_epoch=pairs // 4, num_epochs=1)
    clock, images = Clock(), Images(df, ImageTransform.of(model_of(args).backbone))
    images.pixels(np.arange(count))  # loading is not what is compared
    loss, plain = plain_epoch(model_of(args), images, quarter)
    session = Session(seed=0, event=clock.event)
    train_by_plan(model_of(args), df, None, quarter, session)
    assert abs(loss - clock.losses[0]) < 1e-4 * abs(loss), (loss, clock.losses[0])
    clock = Clock()
    train_by_plan(model_of(args), df, None, plan, Session(seed=0, event=clock.event))
    cached = statistics.median(np.diff(clock.ends))
    few = pictures(max(16, count // 4), args.side)
    once = replace(plan, num_epochs=1, num_pairs_per_epoch=pairs // 4)
    first = contend(
        {
            "first epoch": lambda: first_epoch(model_of(args), few, once),
            "one pass": lambda: one_pass(model_of(args), few),
        },
        repeats=1 if args.quick else 5,
        warmup=0,
    )
    rows = [
        Row(
            f"epoch of {pairs} pairs of 3 + 3",
            "tokens from the cache",
            cached,
            "backbone in every step",
            4 * plain,
            "300 x",
        ),
        Row(
            "first epoch",
            "fills the cache",
            first["first epoch"],
            "one pass of the backbone",
            first["one pass"],
            "1 / 1.1",
        ),
    ]
    report("pairs/cache", rows)


if __name__ == "__main__":
    main()
