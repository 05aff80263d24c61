"""Options of the `dino-patch` tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, MinLen

from tokenry_core import canonical_json, with_doc
from tokenry_core.errors import ConfigError

from ._buckets import DEFAULT_BUCKETS

__all__ = ["DinoPatchConfig", "Output"]

Output = Literal["patches", "cls", "registers"]
Side = Annotated[int, Ge(1)]
Option = bool | int | float | str
MAX_PIXELS = 89_478_485  # where Pillow begins to warn of decompression bombs


@dataclass(frozen=True)
class DinoPatchConfig:
    """Which model, what of it, and how it sees an image."""

    model: str = with_doc(
        "a backbone of the registry: timm/NAME or an alias such as dinov3_vitl16", "dinov2_vits14"
    )
    weights: str = with_doc(
        "pretrained (from the hub), random, or a .safetensors, .pt or .pth file", "pretrained"
    )
    seed: int = with_doc("of random weights", 0)
    options: Mapping[str, Option] = with_doc(
        "passed to the model, as depth and embed_dim", default_factory=dict
    )
    outputs: Annotated[tuple[Output, ...], MinLen(1)] = with_doc(
        "which tokens become fields", ("patches",)
    )
    layer: int = with_doc("the block whose output is taken; negative counts from the end", -1)
    normalized: bool = with_doc("apply the model's final norm", True)
    dtype: Literal["float16", "float32"] = with_doc("in which embeddings are stored", "float16")
    precision: Literal["auto", "float32", "bfloat16"] = with_doc(
        "in which the model computes; auto: bfloat16 where the device has units for it", "auto"
    )
    fit: Literal["resize", "cover"] = with_doc(
        "resize the whole image to its bucket, or cover the bucket and crop around the centre",
        "resize",
    )
    buckets: Annotated[tuple[tuple[Side, Side], ...], MinLen(1)] = with_doc(
        "width and height of each bucket, for images that do not name theirs",
        tuple(tuple(bucket) for bucket in DEFAULT_BUCKETS),
    )
    column: str = with_doc("the column of image files, encoded or as paths", "image")
    bucket_column: str = with_doc(
        "the column of buckets, as 1216x832; without it, or where it is null, the nearest is taken",
        "aspect_bucket",
    )
    max_pixels: Annotated[int, Gt(0)] = with_doc(
        "larger images are refused as decompression bombs", MAX_PIXELS
    )

    def __post_init__(self) -> None:
        if len(set(self.outputs)) != len(self.outputs):
            raise ConfigError(f"outputs: {list(self.outputs)} names one twice; name each once")

    def __hash__(self) -> int:
        return hash(canonical_json(self))

    def backbone(self) -> dict[str, Any]:
        """Give the keywords that a model's factory is called with."""
        return {
            **self.options,
            "weights": self.weights,
            "seed": self.seed,
            "layer": self.layer,
            "normalized": self.normalized,
        }
