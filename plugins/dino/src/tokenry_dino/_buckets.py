"""Aspect buckets: the few sizes that a dataset's images are brought to."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from tokenry_core.errors import ConfigError

__all__ = ["DEFAULT_BUCKETS", "Bucket", "assign_bucket", "bucket_input_size", "parse_bucket"]

_SPELLED = re.compile(r"\s*(\d{1,5})\s*[x×]\s*(\d{1,5})\s*")  # noqa: RUF001


class Bucket(NamedTuple):
    """Width and height in pixels; its text is the one that datasets use.

    >>> str(Bucket(1216, 832))
    '1216x832'
    """

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


DEFAULT_BUCKETS = (
    Bucket(1024, 1024),
    Bucket(1216, 832),
    Bucket(832, 1216),
    Bucket(1280, 768),
    Bucket(768, 1280),
    Bucket(1344, 704),
    Bucket(704, 1344),
)
"""The seven buckets of about one megapixel that latent diffusion models are trained on."""


def parse_bucket(text: str) -> Bucket:
    """Give the bucket that a text names, written with the letter x or the sign ×.

    >>> parse_bucket("832×1216")
    Bucket(width=832, height=1216)
    """  # noqa: RUF002
    found = _SPELLED.fullmatch(text) if isinstance(text, str) else None
    if found is None or "0" in (found[1].lstrip("0") or "0", found[2].lstrip("0") or "0"):
        raise ConfigError(f"{text!r} is no bucket; a bucket is WIDTHxHEIGHT, as in 1216x832")
    return Bucket(int(found[1]), int(found[2]))


def assign_bucket(
    width: int, height: int, buckets: Sequence[tuple[int, int]] = DEFAULT_BUCKETS
) -> Bucket:
    """Give the bucket whose aspect ratio is nearest on a logarithmic scale; the first of equals.

    The logarithm makes twice as wide and half as wide equally far from square.

    >>> assign_bucket(6000, 4000)
    Bucket(width=1216, height=832)
    """
    if width < 1 or height < 1:
        raise ConfigError(f"an image of {width} x {height} pixels fits no bucket: it has no pixels")
    if not buckets:
        raise ConfigError("no buckets were given; give at least one, as (1024, 1024)")
    aspect = math.log(width / height)
    return Bucket(*min(buckets, key=lambda b: abs(math.log(b[0] / b[1]) - aspect)))


def bucket_input_size(bucket: tuple[int, int], patch: int) -> tuple[int, int]:
    """Give the width and height that a model sees: each the nearest multiple of its patch size.

    Halves are rounded up, and no side is shorter than one patch.

    >>> bucket_input_size((1216, 832), patch=14), bucket_input_size((1216, 832), patch=16)
    ((1218, 826), (1216, 832))
    """
    if patch < 1:
        raise ConfigError(f"the patch size {patch} was given; allowed is a whole number from 1 on")
    width, height = (max(1, (2 * side + patch) // (2 * patch)) * patch for side in bucket)
    return width, height
