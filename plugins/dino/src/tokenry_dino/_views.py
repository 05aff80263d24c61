"""Views of a batch's images, read and decoded ahead in threads while the model works."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa

from tokenry_core import Array, read_encoded
from tokenry_core.errors import DataError

from ._buckets import assign_bucket, bucket_input_size, parse_bucket
from ._config import DinoPatchConfig
from ._decode import decode_image
from ._view import view_image

__all__ = ["Timing", "View", "ViewReader", "in_order"]


_AHEAD = 16  # views of 3 MB each, beyond what the threads are working on


class View(NamedTuple):
    """What became of one row: pixels, or a reason why there are none, or neither if missing."""

    row: int
    pixels: Array | None = None
    reason: str = ""


@dataclass
class Timing:
    """Seconds that encoding took, and those of them that the model waited for images."""

    total: float = 0.0
    waiting: float = 0.0

    @property
    def share(self) -> float:
        """Share of the time that was spent waiting."""
        return self.waiting / self.total if self.total else 0.0


@dataclass(frozen=True)
class ViewReader:
    """Reads, decodes and resizes the images of one batch, a row at a time, in any thread."""

    images: pa.Array
    buckets: list[str | None]
    config: DinoPatchConfig
    patch_size: int

    def __call__(self, row: int) -> View:
        """Give the view of one row."""
        if not self.images[row].is_valid:
            return View(row)
        (data,) = read_encoded(self.images.slice(row, 1))
        if isinstance(data, str):
            return View(row, reason=data)
        try:
            image = decode_image(data, self.config.max_pixels)
            named = self.buckets[row]
            bucket = (
                assign_bucket(*image.size, self.config.buckets)
                if named is None
                else parse_bucket(named)
            )
            size = bucket_input_size(bucket, self.patch_size)
            return View(row, view_image(image, bucket, size, self.config.fit))
        except (DataError, ValueError) as error:
            return View(row, reason=str(error))
        except MemoryError:
            return View(row, reason="there is not enough memory to decode the image")


def in_order(
    read: Callable[[int], View], rows: int, threads: int, timing: Timing
) -> Iterator[View]:
    """Give the views of all rows in order, some always in the making."""
    ahead = 2 * threads + _AHEAD
    with ThreadPoolExecutor(threads, "tokenry-dino") as pool:
        waiting: deque[Future[View]] = deque()
        for row in range(rows):
            waiting.append(pool.submit(read, row))
            if len(waiting) > ahead:
                yield _next(waiting, timing)
        while waiting:
            yield _next(waiting, timing)


def _next(waiting: deque[Future[View]], timing: Timing) -> View:
    start = time.perf_counter()
    view = waiting.popleft().result()
    timing.waiting += time.perf_counter() - start
    return view
