"""Options of the `image` tokenizer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Lt, MinLen

from tokenry_core import canonical_json, with_doc
from tokenry_core.errors import ConfigError

from ._levels import fsq_levels

__all__ = ["BANDS", "Ellipse", "ImageConfig", "ImageTraining", "Quantizer"]

Quantizer = Literal["fsq", "kmeans", "vq"]
Option = bool | int | float | str
# The bands of S-PLUS, whose cutouts the defaults fit.
BANDS = ("F378", "F395", "F410", "F430", "F515", "F660", "F861", "U", "G", "R", "I", "Z")


@dataclass(frozen=True)
class Ellipse:
    """The columns of an ellipse around the object, in the middle of the cutout."""

    semi_major: str = with_doc("column of the larger semi-axis, in pixels")
    semi_minor: str = with_doc("column of the smaller semi-axis, in pixels")
    angle: str = with_doc("column of the angle from the x axis towards y, in degrees")
    factor: Annotated[float, Gt(0)] = with_doc("the semi-axes are multiplied by this", 1.0)


@dataclass(frozen=True)
class ImageTraining:
    """How the network is trained; the learning rate falls to zero at the end of the budget."""

    steps: Annotated[int, Ge(1)] = with_doc("the budget, where minutes are not given", 20_000)
    minutes: Annotated[float, Gt(0)] | None = with_doc(
        "the budget in minutes, in place of steps; its result does not repeat to the bit", None
    )
    batch_size: Annotated[int, Ge(1)] = with_doc("images of one step", 64)
    crop: Annotated[int, Ge(1)] | None = with_doc(
        "pixels on a side of the random part of an image that a step trains on; none: all", 48
    )
    learning_rate: Annotated[float, Gt(0)] = with_doc("after the warm-up", 2e-3)
    warmup: Annotated[float, Ge(0), Lt(1)] = with_doc("share of the budget that warms up", 0.02)
    weight_decay: Annotated[float, Ge(0)] = with_doc("of AdamW", 1e-4)
    autoencoder_share: Annotated[float, Ge(0), Lt(1)] | None = with_doc(
        "kmeans and vq: share of the budget before the codebook is made; by default 0.4, and 0"
        " where the encoder is finished from the beginning",
        None,
    )
    codebook_images: Annotated[int, Ge(1)] = with_doc(
        "images that the network starts from, and a codebook is fitted to", 1024
    )
    augment: bool = with_doc("flip and turn images at random", True)
    jitter: Annotated[float, Ge(0), Lt(1)] = with_doc(
        "brightness of every band is changed at random by up to this share", 0.0
    )
    validation: Annotated[float, Ge(0), Lt(1)] = with_doc(
        "share of the rows, chosen by their ids, that is kept for validation", 0.05
    )
    validation_images: Annotated[int, Ge(1)] = with_doc("at most so many of them are used", 256)
    evaluate_every: Annotated[int, Ge(1)] = with_doc("steps between validations", 500)
    patience: Annotated[int, Ge(1)] | None = with_doc(
        "stop after so many validations without a better one, and keep the best", None
    )
    checkpoint_every: Annotated[int, Ge(1)] = with_doc("steps between checkpoints", 500)
    precision: Literal["auto", "float32", "bfloat16"] = with_doc(
        "of training; auto: bfloat16 where the device has units for it", "auto"
    )
    memory: Annotated[int, Ge(1 << 20)] = with_doc("bytes of images that are held at once", 1 << 30)


@dataclass(frozen=True)
class ImageConfig:
    """Which images, which network, which codebook."""

    cutout_size: Annotated[int, Ge(1)] = with_doc("height and width of an image in pixels", 96)
    bands: Annotated[tuple[str, ...], MinLen(1)] = with_doc("in the order of the channels", BANDS)
    latent_dim: Annotated[int, Ge(1)] = with_doc("numbers at each place of the latent grid", 2)
    codebook_size: Annotated[int, Ge(3)] = with_doc("how many different tokens there are", 1024)
    column: str = with_doc(
        "template of the columns: one per band where it has {band}, else one (bands, H, W) tensor",
        "splus_cut_{band}",
    )
    quantizer: Quantizer = with_doc(
        "fsq (a fixed grid), kmeans (a codebook that is learned by gradients) or vq (one that is"
        " learned by moving averages)",
        "fsq",
    )
    latents: bool = with_doc("also give image_latents, the numbers before quantisation", True)
    downsampling: Annotated[int, Ge(1)] = with_doc("pixels on a side that share one token", 4)
    model: str = with_doc("a model of kind autoencoder in the registry", "conv-autoencoder")
    options: Mapping[str, Option] = with_doc(
        "passed to the model, as width and blocks", default_factory=dict
    )
    stretch: Literal["arcsinh", "linear"] = with_doc(
        "how brightness is compressed, after each band's robust scaling", "arcsinh"
    )
    absent_band: Literal["missing", "mask"] = with_doc(
        "a null band makes its row missing, or is masked where another band is there", "missing"
    )
    ellipse: Ellipse | None = with_doc("pixels outside of this ellipse are masked", None)
    training: ImageTraining = with_doc("how the network is trained", ImageTraining())

    def __post_init__(self) -> None:
        if len(set(self.bands)) != len(self.bands):
            raise ConfigError(f"bands: {list(self.bands)} names one twice; name each once")
        if self.cutout_size % self.downsampling:
            raise ConfigError(
                f"cutout_size: {self.cutout_size} is no multiple of downsampling"
                f" {self.downsampling}; the nearest are"
                f" {nearest_sizes(self.cutout_size, self.downsampling)}"
            )
        self.levels  # noqa: B018 (says what is possible)

    def __hash__(self) -> int:
        return hash(canonical_json(self))

    @property
    def columns(self) -> tuple[str, ...]:
        """The image columns: one per band, or one for all."""
        if "{band}" not in self.column:
            return (self.column,)
        return tuple(self.column.replace("{band}", band) for band in self.bands)

    @property
    def levels(self) -> tuple[int, ...]:
        """The levels of fsq's grid in each latent dimension; empty for a learned codebook."""
        return fsq_levels(self.codebook_size, self.latent_dim) if self.quantizer == "fsq" else ()

    @property
    def grid(self) -> int:
        """Height and width of the tokens of one image."""
        return self.cutout_size // self.downsampling


def nearest_sizes(size: int, step: int) -> str:
    """Name the multiples of `step` around `size`.

    >>> nearest_sizes(98, 4)
    '96 and 100'
    """
    below = math.floor(size / step) * step
    return f"{below} and {below + step}" if below else f"{step}"
