"""train_pair_matching_model: from a labelled table of images to a trained model."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tokenry_core import Session, build_config, canonical_json, fingerprint
from tokenry_core.errors import ConfigError, DataError

from .._device import require_device
from ..data._images import ImageTransform
from ..data._sampling import is_positive
from ..data._split import check_leakage
from ..model import PairMatchingModel
from ._devices import OneDevice, accelerated
from ._images import Images, Transform
from ._inputs import Augment, tokens_folder
from ._loop import Loop, Place
from ._plan import Stage, TrainingPlan
from ._precision import precision_for, surroundings

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["train_by_plan", "train_pair_matching_model"]

Folder = str | os.PathLike[str]


def train_pair_matching_model(
    model: PairMatchingModel,
    train_df: pd.DataFrame,
    val_df: pd.DataFrame | None = None,
    num_pairs_per_epoch: int = 10_000,
    images_per_set: int | tuple[int, int] = 3,
    positive_ratio: float = 0.5,
    batch_size: int = 32,
    num_epochs: int = 50,
    lr: float = 1e-4,
    weight_decay: float = 1e-5,
    use_accelerator: bool = False,
    save_dir: Folder | None = None,
    seed: int = 42,
    *,
    batch_pairs: Literal["all", "random"] = "random",
    stages: Sequence[Stage | Mapping[str, Any]] = (),
    hard_negatives: float = 0.0,
    warmup: float = 0.05,
    patience: int | None = None,
    amp: Literal["auto", "bfloat16", "float32"] = "auto",
    validation_pairs: int = 1000,
    checkpoint_every: int = 500,
    resume: bool = True,
    cache: Folder | bool = True,
    transform: Transform | None = None,
    augment: Augment | None = None,
    device: str | None = None,
    session: Session | None = None,
) -> dict[str, Any]:
    """Train the model in place on the images `x` of a table, whose labels `y` say who is who.

    What each option means is said with the fields of `TrainingPlan`. Besides:

    - `val_df` shares no image with `train_df`. It is scored after every epoch, and the weights
      of the best epoch are kept.
    - `save_dir` gets checkpoints, from which a training of the same model, data, options and seed
      goes on, unless `resume` is false.
    - `cache` is where tokens of a frozen backbone are kept: a folder, or True for `save_dir`, or
      memory without one. With False the backbone runs in every step.
    - `transform` makes a tensor of an image, the same each time. What is random belongs into
      `augment`, which changes a batch of tensors with a generator; the backbone then runs in
      every step.
    - `device` is the model's own unless it is said. A `session` takes the place of seed and device,
      hears what happens, and can stop the training.

    Gives `history` (one entry an epoch), `final_metrics` (of the validation, or else the loss),
    `validation` (its logits, and whether each pair is of one individual), `validation_images`,
    `steps` and `checkpoint`.
    """
    given = {
        name: value for name, value in locals().items() if name in TrainingPlan.__dataclass_fields__
    }
    plan = build_config(TrainingPlan, {**given, "stages": list(stages)})
    session = session or Session(seed=seed, device=device or _device_of(model))
    if save_dir is not None:
        session = replace(session, workdir=Path(save_dir))
    return train_by_plan(
        model,
        train_df,
        val_df,
        plan,
        session,
        use_accelerator=use_accelerator,
        resume=resume,
        cache=cache,
        transform=transform,
        augment=augment,
    )


def train_by_plan(
    model: PairMatchingModel,
    train_df: pd.DataFrame,
    val_df: pd.DataFrame | None,
    plan: TrainingPlan,
    session: Session,
    *,
    use_accelerator: bool = False,
    resume: bool = True,
    cache: Folder | bool = True,
    transform: Transform | None = None,
    augment: Augment | None = None,
) -> dict[str, Any]:
    """Train as a plan says, where a session says; see `train_pair_matching_model`."""
    if session.seed < 0:
        raise ConfigError(f"seed: {session.seed} was given; allowed is a number from 0")
    require_device(session.device)
    _make_folder(session.workdir)
    transform = transform or ImageTransform.of(model.backbone)
    images = _images(train_df, transform, "train_df")
    validation = None if val_df is None else _images(val_df, transform, "val_df")
    if val_df is not None and validation is not None:
        check_leakage(train_df, val_df)
        _check_contents(images, validation)
        _check_pairs(plan)
    devices = accelerated(session.device) if use_accelerator else OneDevice(session.device)
    plan = replace(plan, amp=precision_for(devices.device, plan.amp, model))
    place = Place(
        _checkpoint(session, model, plan, images, validation),
        _tokens(cache, session.workdir, model, plan, images),
        cache is not False,
    )
    if not resume and place.checkpoint is not None:
        place.checkpoint.unlink(missing_ok=True)
    with surroundings(session.seed, devices.device, session.threads):
        loop = Loop(model, images, validation, plan, session, place, devices, augment)
        loop.run()
    model.eval()
    return loop.result()


def _make_folder(folder: Path | None) -> None:
    """Make it before the work, so that no epoch is lost where that cannot be."""
    try:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f'save_dir: "{folder}" cannot be made: {error.strerror}; give a folder for checkpoints'
        ) from None


def _images(df: pd.DataFrame, transform: Transform, name: str) -> Images:
    """Give the images of a table that has pairs of either kind."""
    images = Images(df, transform, name)
    several = sum(len(rows) > 1 for rows in images.groups.values())
    if len(images.groups) < 2 or not several:
        raise DataError(
            f"{name}: images of {len(images.groups)} individuals were given, {several} of whom have"
            " more than one image; pairs need at least two individuals, and two images of one"
        )
    return images


def _check_pairs(plan: TrainingPlan) -> None:
    """Refuse a validation without pairs of one kind, which nothing can be calibrated on."""
    total = plan.validation_pairs
    positives = sum(is_positive(index, plan.positive_ratio) for index in range(total))
    if not 0 < positives < total:
        raise ConfigError(
            f"validation_pairs: {total} pairs with positive_ratio {plan.positive_ratio} are"
            f" {positives} of one individual and {total - positives} of two; calibration needs"
            " both: give more validation_pairs, or another positive_ratio"
        )


def _device_of(model: PairMatchingModel) -> str:
    return str(next(model.parameters()).device)


def _check_contents(train: Images, held: Images) -> None:
    """Refuse an image in both, also where it came as bytes or as an array."""
    both = set(train.contents) & set(held.contents)
    if both:
        row = next(row for row, content in enumerate(train.contents) if content in both)
        label = next(label for label, rows in train.groups.items() if row in rows)
        noun = "image is" if len(both) == 1 else "images are"
        raise DataError(
            f"{len(both)} {noun} both in training and in validation, which would measure memory"
            f" rather than recognition: one has the label {label!r} in training; leave them out"
        )


def _tokens(
    cache: Folder | bool,
    workdir: Path | None,
    model: PairMatchingModel,
    plan: TrainingPlan,
    images: Images,
) -> Path | None:
    if isinstance(cache, bool):
        folder = workdir / "tokens" if workdir is not None and cache else None
    else:
        folder = Path(cache)
    return None if folder is None else tokens_folder(folder, model, plan.amp, images.view)


def _checkpoint(
    session: Session,
    model: PairMatchingModel,
    plan: TrainingPlan,
    images: Images,
    validation: Images | None,
) -> Path | None:
    """Name the checkpoint after all that decides the result, so that no other is taken for it."""
    if session.workdir is None:
        return None
    total = hashlib.sha256(canonical_json(plan).encode())
    total.update(f"{session.seed} {images.view}".encode())
    for one in (images, validation):
        if one is not None:
            total.update(b"".join(one.digests))
            total.update(repr([list(map(int, rows)) for rows in one.groups.values()]).encode())
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in model.state_dict().items()}
    arguments = {k: v for k, v in model.arguments.items() if k not in ("weights", "pretrained")}
    total.update(fingerprint("pair-matching", 1, arguments, arrays).encode())
    return session.workdir / f"checkpoint-{total.hexdigest()[:16]}.safetensors"
