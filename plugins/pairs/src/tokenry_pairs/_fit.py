"""From labelled images to a trained model, its calibration, and the arrays of an artifact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tokenry_core import Array, Session
from tokenry_core.errors import DataError

from ._config import PairsConfig
from .data._labels import group_rows
from .data._split import split_by_identity
from .evaluation._calibration import fit_temperature
from .model import PairMatchingModel
from .report import write_scores_page
from .training._train import train_by_plan

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Fitted", "fit_pairs", "make_model", "model_of", "split"]

_MODEL = "model."


@dataclass(frozen=True)
class Fitted:
    """A trained model, what its training tells, and what an artifact keeps of both."""

    model: PairMatchingModel
    result: Mapping[str, Any]
    arrays: Mapping[str, Array]


def make_model(config: PairsConfig, seed: int = 0, begun: bool = False) -> PairMatchingModel:
    """Give the model of a configuration; with `begun`, as it is before any training."""
    return PairMatchingModel(
        config.model,
        config.pooling_type,
        config.reasoning_type,
        config.embed_dim,
        config.freeze_backbone,
        pretrained=begun and config.pretrained,
        weights=config.weights if begun else None,
        seed=seed,
        backbone_options=dict(config.options),
    )


def model_of(config: PairsConfig, state: Mapping[str, Array]) -> PairMatchingModel:
    """Give the trained model of an artifact, in evaluation mode."""
    model = make_model(config)
    tensors = {
        name.removeprefix(_MODEL): torch.from_numpy(np.array(array))
        for name, array in state.items()
        if name.startswith(_MODEL)
    }
    model.load_state_dict(tensors)
    return model.eval().requires_grad_(False)


def fit_pairs(
    config: PairsConfig,
    train_df: pd.DataFrame,
    val_df: pd.DataFrame | None,
    session: Session,
    **place: Any,
) -> Fitted:
    """Train the model of a configuration; `place` is what `train_pair_matching_model` takes.

    Without validation data of its own, the configured share of `train_df` is kept for that.
    """
    if val_df is None and config.validation:
        train_df, val_df = split(train_df, config, session.seed)
    model = make_model(config, session.seed, begun=True)
    result = train_by_plan(model, train_df, val_df, config.training, session, **place)
    arrays = {
        f"{_MODEL}{name}": tensor.detach().cpu().numpy()
        for name, tensor in model.state_dict().items()
    }
    scores, temperature = result["validation"], 1.0
    if scores is not None:
        temperature = fit_temperature(scores.same, scores.logits)
        arrays["validation.logits"] = scores.logits.astype(np.float32)
        arrays["validation.same"] = scores.same.astype(np.bool_)
    arrays["temperature"] = np.array(temperature)
    if session.workdir is not None:
        _write_page(session, result, temperature)
    return Fitted(model, result, arrays)


def _write_page(session: Session, result: Mapping[str, Any], temperature: float) -> None:
    assert session.workdir is not None
    page = write_scores_page(
        session.workdir / "training.html",
        "Training of image-set pairs",
        result["final_metrics"],
        result["validation"],
        result["validation_images"],
        temperature,
    )
    session.event("report", {"path": str(page)})


def split(df: pd.DataFrame, config: PairsConfig, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give training and validation rows: other individuals, or other images of the same."""
    if config.validation_by == "identity":
        _check_labels(df)
        return split_by_identity(df, config.validation, seed)
    held = np.zeros(len(df), bool)
    for number, rows in enumerate(group_rows(df).values()):
        order = np.random.default_rng([seed, number]).permutation(rows)
        held[order[: round(config.validation * len(rows))]] = True
    if not held.any():
        raise DataError(
            f"validation: {config.validation} of everyone's images is not one image; give a larger"
            " share, val_df, or validation=0"
        )
    return df[~held].reset_index(drop=True), df[held].reset_index(drop=True)


def _check_labels(df: pd.DataFrame) -> None:
    """Either side needs two individuals, who have pairs."""
    count = len(group_rows(df))
    if count < 4:
        raise DataError(
            f"{count} individuals were given; keeping some for validation needs at least four: give"
            ' more, validation_by="image" (other images of the same individuals), val_df, or'
            " validation=0"
        )
