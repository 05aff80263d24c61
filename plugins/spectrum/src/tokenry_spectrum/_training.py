"""Training: one sample a group, merged from all workers, then K-means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tokenry_core import file_of, mix
from tokenry_core.errors import ConfigError, DataError
from tokenry_spectrum._config import SpectrumConfig
from tokenry_spectrum._groups import TrainedGroup, runs
from tokenry_spectrum._lists import Points
from tokenry_spectrum._sample import FileRows, PointSample
from tokenry_spectrum.codebook import fit_codebook
from tokenry_spectrum.kinds import Kind

_POINTS_AT_A_TIME = 1 << 20
Limits = Mapping[str, int]


@dataclass
class TrainingState:
    """What a worker has seen: the rows that count of each file, and a sample of each group."""

    files: FileRows
    samples: dict[str, PointSample] = field(default_factory=dict)
    kinds: dict[str, Kind[Any]] = field(default_factory=dict)

    def merge(self, other: TrainingState) -> TrainingState:
        """Take what another worker has seen."""
        self.files.merge(other.files)
        for name, sample in other.samples.items():
            if name in self.samples:
                self.samples[name].merge(sample)
            else:
                self.samples[name], self.kinds[name] = sample, other.kinds[name]
        return self


def add_batch(
    state: TrainingState,
    config: SpectrumConfig,
    kinds: list[Kind[Any]],
    batch: pa.RecordBatch,
    keys: NDArray[np.uint64],
    limits: Limits | None,
) -> None:
    """Take the rows of a batch into the state; `limits` are those of the files, once known."""
    rows, file = mix(keys, config.rng_seed), file_of(batch)
    if limits is None:
        state.files.add(file, rows)
    counted = state.files.limits() if limits is None else limits
    for kind in kinds:
        _add_group(state, config, kind, batch, rows, file, counted.get(file))


def _add_group(
    state: TrainingState,
    config: SpectrumConfig,
    kind: Kind[Any],
    batch: pa.RecordBatch,
    rows: NDArray[np.uint64],
    file: str,
    limit: int | None,
) -> None:
    name, assets = kind.group.name, kind.assets()
    if name not in state.samples:
        state.samples[name] = PointSample.empty(config.max_features_per_group, kind.dims)
        state.kinds[name] = kind
    sample = state.samples[name]
    points = kind.read(batch, assets)
    if points.bad:  # such rows will be refused when they are encoded; training does without
        good = np.ones(batch.num_rows, np.bool_)
        good[list(points.bad)] = False
        batch, rows = batch.filter(pa.array(good)), rows[good]
        points = kind.read(batch, assets)
    _see_lengths(sample, points)
    if limit is not None and not (chosen := rows <= np.uint64(limit)).all():
        batch, rows = batch.filter(pa.array(chosen)), rows[chosen]
        points = kind.read(batch, assets)
    indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(points.lengths)])
    for first, last in runs(indptr, _POINTS_AT_A_TIME):
        begin, end = np.searchsorted(indptr, [first, last], side="right") - 1
        features = points.features(first, last)
        lengths = points.lengths[begin:end]
        sample.add(file, features, lengths, rows[begin:end], config.max_points_per_row)


def _see_lengths(sample: PointSample, points: Points) -> None:
    if points.length is not None:
        sample.saw(points.length, points.length)
    there = points.lengths[points.lengths > 0]
    if len(there):
        sample.saw(int(there.min()), int(there.max()))


def train_group(
    kind: Kind[Any], sample: PointSample, config: SpectrumConfig, start: TrainedGroup | None
) -> TrainedGroup:
    """Give the group with the codebook of its sample."""
    name, group = kind.group.name, kind.group
    features = sample.in_order()
    if features.shape[1] == 0:
        raise DataError(
            f'group "{name}" has no finite point in the training data; check that its columns hold'
            " values, or leave the group out"
        )
    if start is not None:
        _check_start(kind, start, config)
    mean = features.mean(axis=1, dtype=np.float64)
    std = features.std(axis=1, dtype=np.float64)
    std[~(std > 0)] = 1.0
    points = ((features - mean[:, None]) / std[:, None]).astype(np.float32)
    fitted = fit_codebook(
        points.T,
        config.codebook_size,
        seed=config.rng_seed,
        start=config.start if start is None else (start.centroids - mean) / std,
        tolerance=config.tolerance,
        max_iterations=config.max_iterations,
    )
    length = group.length
    if length is None and not kind.ragged and sample.lengths is not None:
        shortest, longest = sample.lengths
        length = longest if shortest == longest else None
    return TrainedGroup(
        kind, config.codebook_size, fitted.centroids, mean, std, length, kind.assets()
    )


def _check_start(kind: Kind[Any], start: TrainedGroup, config: SpectrumConfig) -> None:
    shape, wanted = start.codebook.shape, (config.codebook_size, kind.dims)
    if shape != wanted:
        raise ConfigError(
            f'codebook_from: group "{kind.group.name}" of that artifact has {shape[0]} codes of'
            f" {shape[1]} features; a start for this configuration has {wanted[0]} of {wanted[1]}"
        )
