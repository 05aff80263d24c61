"""Options of the tokenizers `patch2d` and `patch2d-pairs`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Le, MinLen

from tokenry_core import with_doc
from tokenry_patch2d._grid import Grid, make_grid, pair
from tokenry_patch2d._plan import Plan

__all__ = ["ImageConfig", "Patch2dConfig", "Patch2dPairsConfig"]

Side = Annotated[int, Ge(1)]
Sides = Side | tuple[Side, Side]


@dataclass(frozen=True, kw_only=True)
class ImageConfig:
    """Which column holds images, and what they look like."""

    shape: tuple[Side, Side, Side] = with_doc("channels, height and width of every image")
    layout: Literal["chw", "hwc"] = with_doc(
        "the order in which the column holds the pixels: channels first or last", "chw"
    )
    column: str = with_doc("the column of images, as pixels", "image")
    dtype: Literal["float16", "float32", "float64"] = with_doc("of the tokens", "float32")

    @property
    def extent(self) -> tuple[int, int]:
        """Height and width of an image."""
        return self.shape[1], self.shape[2]


@dataclass(frozen=True, kw_only=True)
class Patch2dConfig(ImageConfig):
    """How an image is cut into tokens."""

    patch_size: Sides = with_doc("pixels of a token: a number, or height and width", 16)
    stride: Sides | None = with_doc(
        "pixels from token to token: a number, or down and across; default: half a token", None
    )

    def __post_init__(self) -> None:
        self.grid()

    def grid(self) -> Grid:
        """Give the windows that become tokens."""
        return make_grid(self.extent, self.patch_size, self.stride)


@dataclass(frozen=True, kw_only=True)
class Patch2dPairsConfig(ImageConfig):
    """How pairs of patches are drawn from an image, and cut into tokens."""

    window: Sides = with_doc("pixels of a patch: a number, or height and width", 64)
    num_patches: Side = with_doc("pairs from each image", 1)
    delta_range: tuple[Annotated[float, Ge(0)], Annotated[float, Ge(0)]] | None = with_doc(
        "smallest and largest distance in pixels between the patches of a pair; "
        "default: a quarter to three quarters of the smaller side of the window",
        None,
    )
    rotations: Annotated[tuple[Annotated[int, Ge(0), Le(3)], ...], MinLen(1)] = with_doc(
        "clockwise quarter turns of patch 2 to draw from", (0,)
    )
    patch_size: Sides = with_doc("pixels of a token: a number, or height and width", 16)
    stride: Sides | None = with_doc(
        "pixels from token to token: a number, or down and across; default: half a token", None
    )
    reverse: Literal["first", "best"] = with_doc(
        "the way back from a token of patch 2: the first token whose match it is, or the best",
        "first",
    )
    seed: int = with_doc("of the draws, together with the content of the image", 0)

    def __post_init__(self) -> None:
        self.grid()
        self.plan()

    def grid(self) -> Grid:
        """Give the windows of a patch that become tokens."""
        return make_grid(pair(self.window, "window"), self.patch_size, self.stride)

    def plan(self) -> Plan:
        """Give the pairs that can be drawn."""
        return Plan.of(self.extent, pair(self.window, "window"), self.delta_range, self.rotations)
