"""Options of the `pairs` tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Lt

from tokenry_core import canonical_json, with_doc

from .training._plan import TrainingPlan

__all__ = ["PairsConfig"]

Option = bool | int | float | str


@dataclass(frozen=True)
class PairsConfig:
    """Which model of which images, and how it is trained."""

    model: str = with_doc("the backbone: vit_b_16, timm/NAME, or a registered one", "vit_b_16")
    pooling_type: Literal["mean", "attention", "cls_mean"] = with_doc(
        "how the tokens of a set become one vector", "attention"
    )
    reasoning_type: Literal["concat_mlp", "cross_attention", "siamese"] = with_doc(
        "how two vectors are compared", "concat_mlp"
    )
    embed_dim: Annotated[int, Gt(0)] = with_doc("width of a set's vector", 256)
    freeze_backbone: bool = with_doc("train pooling and head alone, on cached tokens", False)
    pretrained: bool = with_doc("begin with the backbone's published weights", True)
    weights: str | None = with_doc("begin with the weights of this file", None)
    options: Mapping[str, Option] = with_doc(
        "passed to the backbone, as img_size and depth", default_factory=dict
    )
    column: str = with_doc("column of image sets: lists of paths, or of image files", "set")
    label_column: str = with_doc("column that says which individual it is; for training", "label")
    validation: Annotated[float, Ge(0), Lt(1)] = with_doc(
        "share of the individuals that is kept for validation and calibration", 0.2
    )
    validation_by: Literal["identity", "image"] = with_doc(
        "keep whole individuals for validation, or images of every one", "identity"
    )
    training: TrainingPlan = with_doc("how the model is trained", TrainingPlan())

    def __hash__(self) -> int:
        return hash(canonical_json(self))
