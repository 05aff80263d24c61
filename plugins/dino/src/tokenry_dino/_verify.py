"""`tokenry dino verify`: whether a folder holds the patches of a dataset, all of them, whole."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tokenry_core import Array, build_config, read_header
from tokenry_core.errors import ArtifactError, ConfigError

from ._buckets import parse_bucket
from ._config import DinoPatchConfig
from ._geometry import Geometry, geometry_of
from ._records import Record
from ._source import ImagesSource

__all__ = ["Verification", "config_beside", "verify_patches"]

_OLD = 196  # 14 x 14 patches of a 224-pixel centre crop
_BLOCK = 1 << 16


@dataclass
class Verification:
    """What is in a folder: images of each bucket, the shape of theirs, and what is wrong."""

    geometry: Geometry
    dtype: str
    images: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """1 when anything is wrong."""
        return int(bool(self.problems))

    def __str__(self) -> str:
        lines = [f"{'bucket':>12s} {'images':>8s} {'grid':>9s} {'shape':>14s} {'bytes':>12s}"]
        for name, count in self.images.items():
            bucket = parse_bucket(name)
            rows, columns = self.geometry.grid(bucket)
            shape = self.geometry.shape(bucket)
            size = math.prod(shape) * np.dtype(self.dtype).itemsize
            lines.append(
                f"{name:>12s} {count:8d} {f'{rows}x{columns}':>9s} {shape!s:>14s} {size:12,d}"
            )
        lines += [f"wrong: {problem}" for problem in self.problems]
        if self.strangers:
            shown = ", ".join(self.strangers[:5])
            lines.append(f"{len(self.strangers)} files are of no image of the dataset: {shown}")
        count = len(self.problems)
        lines.append(f"{count} files are wrong" if count else "every image has its patches")
        return "\n".join(lines)


def verify_patches(
    folder: str | os.PathLike[str],
    dataset: str | os.PathLike[str],
    config: DinoPatchConfig | None = None,
) -> Verification:
    """Compare a folder of .npy files with a dataset: files, shapes, dtype, and values.

    `config` says which model the patches are of; without it, the artifact beside the folder does.
    """
    folder = Path(folder)
    config = config or config_beside(folder)
    found = Verification(geometry_of(config), config.dtype)
    records = ImagesSource(path=os.fspath(dataset), buckets=config.buckets).records
    with ThreadPoolExecutor() as pool:
        results = pool.map(lambda r: list(_problems(folder, r, found.geometry, config)), records)
        for record, problems in zip(records, results, strict=True):
            if record.bucket is not None:
                found.images[record.bucket] = found.images.get(record.bucket, 0) + 1
            found.problems += [f"{record.image_id}: {problem}" for problem in problems]
    known = {record.image_id for record in records}
    found.strangers = sorted(f.name for f in folder.glob("*.npy") if f.stem not in known)
    return found


def config_beside(folder: Path) -> DinoPatchConfig:
    """Give the configuration of the tokenizer whose artifact lies beside or in a folder."""
    for file in (Path(f"{folder}.safetensors"), *sorted(folder.glob("*.safetensors"))):
        try:
            header = read_header(file)
        except ArtifactError:
            continue
        if header.plugin == "dino-patch":
            return build_config(DinoPatchConfig, header.config, os.fspath(file))
    raise ConfigError(
        f"{folder} does not say which model its patches are of; say it: --model dinov2_vits14"
    )


def _problems(
    folder: Path, record: Record, geometry: Geometry, config: DinoPatchConfig
) -> Iterator[str]:
    if record.bucket is None:
        yield "the image has no aspect_bucket, because it cannot be read"
        return
    file = folder / f"{record.image_id}.npy"
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        yield f"there is no {file.name}"
        return
    except (OSError, ValueError, EOFError) as error:
        yield f"{file.name} is no whole .npy file: {error}"
        return
    yield from _wrong_shape(array.shape, geometry.shape(parse_bucket(record.bucket)), record)
    if array.dtype != config.dtype:
        yield f"{file.name} is {array.dtype}; expected is {config.dtype}"
    behind = file.stat().st_size - array.offset - array.nbytes
    if behind:
        yield f"{file.name} has {behind} bytes behind its array"
    if array.dtype.kind == "f" and not _finite(array):
        yield f"{file.name} holds values that are not finite"


def _wrong_shape(found: Sequence[int], wanted: Sequence[int], record: Record) -> Iterator[str]:
    if tuple(found) == tuple(wanted):
        return
    shown = f"its shape is {tuple(found)}; its bucket {record.bucket} has {tuple(wanted)}"
    if found and found[0] == _OLD and wanted[0] != _OLD:
        shown += (
            ". These are the 196 patches of a 224-pixel centre crop, which are not aligned with the"
            " whole image: regenerate them"
        )
    yield shown


def _finite(array: Array) -> bool:
    flat: Any = array.reshape(-1)
    return all(
        bool(np.isfinite(flat[start : start + _BLOCK]).all())
        for start in range(0, flat.shape[0], _BLOCK)
    )
