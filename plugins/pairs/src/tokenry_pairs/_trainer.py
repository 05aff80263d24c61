"""PairMatchingTrainer: from labelled photos to an answer, in three lines."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from tokenry_core import Session, build_config
from tokenry_core.errors import ConfigError, DataError

from ._config import PairsConfig
from ._tokenizer import PairsTokenizer
from .training._plan import TrainingPlan

if TYPE_CHECKING:
    import pandas as pd

    from .evaluation import Match
    from .model import PairMatchingModel
    from .training._validation import Scores

__all__ = ["PairMatchingTrainer"]

_PLACE = frozenset(("augment", "cache", "resume", "transform", "use_accelerator"))
Table: TypeAlias = "pd.DataFrame | str | os.PathLike[str]"


class _Load:
    """`load` on the class makes a trainer; on an instance it fills that instance."""

    def __get__(
        self, instance: PairMatchingTrainer | None, owner: type[PairMatchingTrainer]
    ) -> Callable[..., PairMatchingTrainer]:
        def load(path: str | os.PathLike[str], device: str = "cpu") -> PairMatchingTrainer:
            """Give the trainer that `save` wrote, or that a run trained."""
            trainer = owner.__new__(owner) if instance is None else instance
            trainer.tokenizer = PairsTokenizer.load(path, device=device)
            trainer.seed, trainer.result = getattr(instance, "seed", 42), None
            return trainer

        return load


class PairMatchingTrainer:
    """Learns whether two sets of photos show the same individual.

    A table has the columns `x` (an image: its path, the bytes of its file, an array or a Pillow
    image) and `y` (who it shows). Where a table is wanted, a path serves as well: a CSV or Parquet
    file, or a folder with a folder for each individual.

    >>> import numpy as np, pandas as pd
    >>> shades = np.arange(8, dtype=np.uint8).repeat(64).reshape(8, 8, 8)
    >>> df = pd.DataFrame({"x": [*shades, *(255 - shades)], "y": ["ink"] * 8 + ["paper"] * 8})
    >>> small = {"img_size": 8, "patch_size": 4, "embed_dim": 16, "depth": 1, "num_heads": 2}
    >>> trainer = PairMatchingTrainer(pretrained=False, backbone_options=small, embed_dim=8)
    >>> _ = trainer.train(df, num_epochs=2, num_pairs_per_epoch=8, batch_size=4, validation=0)
    >>> 0 < trainer.predict(shades[:2], 255 - shades[:3]) < 1
    True
    """

    tokenizer: PairsTokenizer

    def __init__(
        self,
        model_name: str = "vit_b_16",
        pooling_type: str = "attention",
        reasoning_type: str = "concat_mlp",
        embed_dim: int = 256,
        freeze_backbone: bool = False,
        *,
        pretrained: bool = True,
        weights: str | os.PathLike[str] | None = None,
        backbone_options: Mapping[str, Any] | None = None,
        device: str = "cpu",
        seed: int = 42,
    ) -> None:
        if seed < 0:
            raise ConfigError(f"seed: {seed} was given; allowed is a number from 0")
        self.seed = seed
        self.result: dict[str, Any] | None = None
        given = {
            "model": model_name,
            "pooling_type": pooling_type,
            "reasoning_type": reasoning_type,
            "embed_dim": embed_dim,
            "freeze_backbone": freeze_backbone,
            "pretrained": pretrained,
            "weights": None if weights is None else os.fspath(weights),
            "options": dict(backbone_options or {}),
        }
        self.tokenizer = PairsTokenizer(build_config(PairsConfig, given))
        self.tokenizer.runtime = replace(self.tokenizer.runtime, device=device)

    load = _Load()

    @property
    def model(self) -> PairMatchingModel:
        """The trained model, in evaluation mode."""
        return self.tokenizer.model

    def train(
        self,
        train_df: Table,
        val_df: Table | None = None,
        *,
        validation: float | None = None,
        validation_by: str | None = None,
        save_dir: str | os.PathLike[str] | None = None,
        session: Session | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Train, and calibrate on the validation; gives what `train_pair_matching_model` gives.

        Without `val_df`, the share `validation` of the individuals is kept for it; with
        `validation_by="image"` it is that share of everyone's images. Other options are those of
        `TrainingPlan`, with `batch_pairs="all"` as the default, and `cache`, `resume`, `augment`
        and `use_accelerator` of `train_pair_matching_model`.
        """
        from ._fit import fit_pairs

        place = {name: options.pop(name) for name in _PLACE & options.keys()}
        config = self.tokenizer.config
        changed = {
            "training": build_config(TrainingPlan, options),
            "validation": config.validation if validation is None else validation,
            "validation_by": validation_by or config.validation_by,
        }
        unchanged = {f.name: getattr(config, f.name) for f in fields(config)}
        config = build_config(PairsConfig, {**unchanged, **changed})
        runtime = self.tokenizer.runtime
        session = session or Session(seed=self.seed, device=runtime.device, threads=runtime.threads)
        if save_dir is not None:
            session = replace(session, workdir=Path(save_dir))
        val_df = None if val_df is None else _table(val_df)
        fitted = fit_pairs(config, _table(train_df), val_df, session, **place)
        tokenizer = PairsTokenizer(config)
        tokenizer.runtime = runtime
        tokenizer.adopt(fitted.arrays)
        self.tokenizer = tokenizer
        self.result = dict(fitted.result)
        return self.result

    def evaluate(
        self,
        test_df: Table,
        num_pairs: int = 1000,
        images_per_set: int | tuple[int, int] | None = None,
        batch_size: int = 32,
        threshold: float = 0.5,
        *,
        positive_ratio: float = 0.5,
        seed: int = 0,
        transform: Callable[[Any], Any] | None = None,
        report: str | os.PathLike[str] | None = None,
    ) -> dict[str, float]:
        """Give the metrics on pairs of labelled images, calibrated.

        Options are those of `evaluate_pair_matching_model`; sets are as large as in training
        unless they say otherwise. `report` is an HTML file to write: the curves, the calibration,
        and the worst mistakes as pictures.
        """
        from .evaluation import pair_metrics, score_pairs

        if report is not None and Path(report).is_dir():
            raise ConfigError(f"report: {os.fspath(report)} is a folder; give an HTML file")
        table = _table(test_df)
        scores = score_pairs(
            self.model,
            table,
            num_pairs,
            images_per_set or self.tokenizer.config.training.images_per_set,
            batch_size,
            positive_ratio=positive_ratio,
            seed=seed,
            transform=transform,
        )
        temperature = self.tokenizer.temperature
        figures = pair_metrics(scores.same, scores.logits, threshold, temperature)
        if report is not None:
            self._write_report(Path(report), figures, scores, table)
        return figures

    def predict(self, image_set_a: Sequence[Any], image_set_b: Sequence[Any]) -> float:
        """Give the probability that two sets of images show the same individual."""
        import torch

        from .data._images import image_list
        from .evaluation import probabilities, set_vectors

        sets = [image_list(image_set_a, "image_set_a"), image_list(image_set_b, "image_set_b")]
        with torch.inference_mode():
            a, b = set_vectors(self.model, sets).sets.to(self.tokenizer.runtime.device)
            logit = float(self.model.head(a[None], b[None]))
        return float(probabilities(logit, self.tokenizer.temperature))

    def match(
        self,
        gallery: Mapping[Any, Sequence[Any]] | Table,
        queries: Mapping[Any, Sequence[Any]] | Sequence[Sequence[Any]],
        *,
        false_match_rate: float = 0.01,
        top: int = 5,
        evidence: int = 3,
    ) -> list[Match]:
        """Rank the known individuals for each query, a set of images.

        `gallery` has the images of each individual, or is a table. A query whose best candidate
        scores lower than all but `false_match_rate` of the validation's pairs of different
        individuals is unknown. Each match names the pairs of images that decided it.
        """
        from .evaluation import match, threshold_at

        state = self.tokenizer.state()
        if "validation.logits" not in state:
            raise DataError(
                "the threshold of a false-match rate is learned from validation pairs, and this"
                " model was trained without: train with validation=0.2, or with val_df"
            )
        if not isinstance(gallery, Mapping):
            gallery = {label: list(own) for label, own in _table(gallery).groupby("y")["x"]}
        known = state["validation.same"], state["validation.logits"]
        return match(
            self.model,
            gallery,
            queries,
            threshold=threshold_at(*known, false_match_rate),
            temperature=self.tokenizer.temperature,
            top=top,
            evidence=evidence,
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one artifact, which `PairMatchingTrainer.load` and `tokenry.load` read."""
        self.tokenizer.save(path)

    def _write_report(
        self, path: Path, figures: Mapping[str, float], scores: Scores, table: pd.DataFrame
    ) -> None:
        from .data import ImageTransform
        from .report import write_scores_page
        from .training._images import Images

        images = Images(table, ImageTransform.of(self.model.backbone))
        temperature = self.tokenizer.temperature
        title = "Evaluation of image-set pairs"
        write_scores_page(path, title, figures, scores, images, temperature)


def _table(data: Any) -> pd.DataFrame:
    """Give the table of a path, and every other thing as it is."""
    from .data import read_labels

    return read_labels(data) if isinstance(data, str | os.PathLike) else data
