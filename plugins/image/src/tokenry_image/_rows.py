"""The rows to train on: a sample to begin with, a part for validation, and a stream of batches."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from tokenry_core import Array, DataSource, mix, require, row_keys
from tokenry_core.errors import DataError

from ._columns import read_images
from ._config import ImageConfig
from ._fitness import judge

__all__ = ["BEGIN", "Place", "Stack", "Survey", "TrainingRows", "columns_of"]

_SCATTER = 0x1A6E5  # so that the order of the sample is not that of the validation split
BEGIN = 256  # images from which scaling and principal components are found


class Stack(NamedTuple):
    """Images of some rows, their ellipses, and the hashes of their ids."""

    images: Array
    ellipses: Array | None
    keys: Array

    def take(self, rows: Array) -> Stack:
        """Give some rows, in this order."""
        ellipses = None if self.ellipses is None else self.ellipses[rows]
        return Stack(self.images[rows], ellipses, self.keys[rows])

    @classmethod
    def join(cls, stacks: list[Stack]) -> Stack:
        """Give all rows as one stack, in the order of their keys."""
        keys = np.concatenate([stack.keys for stack in stacks])
        order = np.argsort(keys, kind="stable")
        ellipses = [stack.ellipses for stack in stacks if stack.ellipses is not None]
        images = np.concatenate([stack.images for stack in stacks])[order]
        return cls(images, np.concatenate(ellipses)[order] if ellipses else None, keys[order])


class Place(NamedTuple):
    """Where in the stream a training is: the next batch of a chunk of an epoch."""

    epoch: int = 0
    chunk: int = 0
    batch: int = 0


@dataclass
class Survey:
    """What one look at all rows gives."""

    sample: Stack
    validation: Stack | None
    rows: int
    left_out: int


@dataclass
class _Least:
    """Keeps the rows whose hashes are least: a sample that no order of rows changes."""

    size: int
    heap: list[tuple[int, int, Stack]] = field(default_factory=list)

    def add(self, stack: Stack) -> None:
        ranks = mix(stack.keys, _SCATTER)
        for row in np.argsort(ranks, kind="stable")[: self.size].tolist():
            item = (-int(ranks[row]), len(self.heap), stack.take(np.array([row])))
            if len(self.heap) < self.size:
                heapq.heappush(self.heap, item)
            elif item[0] > self.heap[0][0]:
                heapq.heapreplace(self.heap, item)

    def stack(self) -> Stack | None:
        return Stack.join([stack for _, _, stack in self.heap]) if self.heap else None


def columns_of(schema: pa.Schema, config: ImageConfig) -> tuple[str, ...]:
    """Give the columns that are read."""
    ellipse = config.ellipse
    more = (ellipse.semi_major, ellipse.semi_minor, ellipse.angle) if ellipse else ()
    return tuple(dict.fromkeys(require(schema, (*config.columns, *more))))


class TrainingRows:
    """Reads a source again and again, never holding more than the configured memory."""

    def __init__(self, source: DataSource, config: ImageConfig, seed: int) -> None:
        self.config, self.seed = config, seed
        self.columns = columns_of(source.schema, config)
        self.fragments = sorted(source.fragments(), key=lambda fragment: fragment.id)
        row_bytes = 4 * len(config.bands) * config.cutout_size**2
        self.chunk_rows = max(1, config.training.memory // row_bytes)
        self._whole: Stack | None = None

    def survey(self) -> Survey:
        """Look at every row once."""
        training = self.config.training
        sample = _Least(min(self.chunk_rows, max(BEGIN, training.codebook_images)))
        validation = _Least(min(self.chunk_rows, training.validation_images))
        rows = usable = 0
        for number in range(len(self.fragments)):
            for stack, kept_back, total in self._read(number):
                sample.add(stack)
                validation.add(kept_back)
                rows += total
                usable += len(stack.keys) + len(kept_back.keys)
        found = sample.stack()
        if found is None:
            raise DataError(
                f"none of {rows} rows has an image to train on: every one is null, has a wrong"
                " size, a band without finite pixels, or is kept for validation"
            )
        return Survey(found, validation.stack(), rows, rows - usable)

    def batches(self, place: Place) -> Iterator[tuple[Place, Stack]]:
        """Give batches for ever, from a place on, each with the place that follows it."""
        size = self.config.training.batch_size
        for epoch in _count(place.epoch):
            for number, chunk in enumerate(self._chunks(epoch)):
                if (epoch, number) < place[:2]:
                    continue
                order = np.random.default_rng([self.seed, epoch, number]).permutation(
                    len(chunk.keys)
                )
                # What does not fill a batch rests in this epoch: another order comes in the next.
                count = max(1, len(order) // size)
                first = place.batch if (epoch, number) == place[:2] else 0
                for index in range(first, count):
                    rows = order[index * size : (index + 1) * size]
                    yield Place(epoch, number, index + 1), chunk.take(rows)

    def _chunks(self, epoch: int) -> Iterator[Stack]:
        if self._whole is not None:
            yield self._whole
            return
        pending: list[Stack] = []
        held = parts = 0
        for number in np.random.default_rng([self.seed, epoch]).permutation(len(self.fragments)):
            for stack, _, _ in self._read(int(number)):
                if held and held + len(stack.keys) > self.chunk_rows:
                    yield Stack.join(pending)
                    pending, held, parts = [], 0, parts + 1
                if len(stack.keys):
                    pending.append(stack)
                    held += len(stack.keys)
        if pending:
            last = Stack.join(pending)
            self._whole = last if not parts else None
            yield last

    def _read(self, number: int) -> Iterator[tuple[Stack, Stack, int]]:
        """Give the rows to train on, those for validation, and how many there were in all."""
        rows = max(1, min(1024, self.chunk_rows))
        for batch in self.fragments[number].read(self.columns, rows):
            images = read_images(batch, self.config)
            if images.size != self.config.cutout_size:
                raise DataError(
                    f"the images to train on have {images.size} x {images.size} pixels; cutout_size"
                    f" is {self.config.cutout_size}: set it to {images.size}, or cut the images"
                )
            values = images.stack()
            seen = np.asarray(np.isfinite(values).any((2, 3)))
            missing, bad = judge(images, seen, self.config)
            good = ~missing
            good[list(bad)] = False
            stack = Stack(values, images.ellipses, row_keys(batch))
            back = _share(stack.keys, self.seed) < self.config.training.validation
            yield (
                stack.take(np.flatnonzero(good & ~back)),
                stack.take(np.flatnonzero(good & back)),
                batch.num_rows,
            )


def _share(keys: Array, seed: int) -> Array:
    """Give each key its place between 0 and 1."""
    return np.asarray((mix(keys, seed) >> np.uint64(11)).astype(np.float64) / 2.0**53)


def _count(start: int) -> Iterator[int]:
    while True:
        yield start
        start += 1
