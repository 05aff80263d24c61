"""Tokenizers of the scripts that this replaces: a .npz of pickled dicts, and KMeans in .joblib."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenry_core import build_config
from tokenry_core.errors import ConfigError, LegacyError
from tokenry_core.legacy import Record, read_legacy
from tokenry_spectrum._config import SpectrumConfig, kind_of
from tokenry_spectrum._groups import TrainedGroup
from tokenry_spectrum._presets import PRESETS
from tokenry_spectrum.kinds import Group

_KMEANS = ("KMeans", "MiniBatchKMeans")


def read_spectrum_legacy(
    path: str | os.PathLike[str], options: Mapping[str, Any]
) -> tuple[SpectrumConfig, dict[str, NDArray[Any]]]:
    """Give configuration and state of a legacy file; ids keep their meaning.

    The groups are those of `options`, else presets by their names, else guessed by their columns.
    """
    path = Path(path)
    content = read_legacy(path)
    means, stds = (_mapping(content, key, path) for key in ("group_means", "group_stds"))
    books = _codebooks(content, path, list(means))
    columns = _mapping(content, "group_columns", path) if "group_columns" in content else {}
    names = [str(name) for name in np.asarray(content.get("group_names", list(means))).tolist()]
    size = int(_number(content, max(len(book) for book in books.values())))
    given = options.get("groups") or [_definition(name, columns.get(name, ())) for name in names]
    config = build_config(
        SpectrumConfig, {"codebook_size": size, **options, "groups": tuple(given)}, os.fspath(path)
    )
    state: dict[str, NDArray[Any]] = {}
    for group in config.definitions:
        state |= _group(group, config, means, stds, books, path).state()
    return config, state


def _group(
    group: Group,
    config: SpectrumConfig,
    means: Mapping[str, Any],
    stds: Mapping[str, Any],
    books: Mapping[str, NDArray[Any]],
    path: Path,
) -> TrainedGroup:
    if group.name not in books or group.name not in means or group.name not in stds:
        raise LegacyError(f'{path}: it holds no group "{group.name}"; it has {", ".join(books)}')
    kind = kind_of(group)
    book = np.asarray(books[group.name], np.float32)
    mean = np.asarray(means[group.name], np.float64).reshape(-1)
    std = np.asarray(stds[group.name], np.float64).reshape(-1)
    if book.ndim != 2 or not book.shape[1] == len(mean) == len(std) == kind.dims:
        raise LegacyError(
            f'{path}: group "{group.name}" has a codebook of shape {book.shape} and {len(mean)}'
            f" means; the kind {group.kind} has {kind.dims} features a point"
        )
    if len(book) > config.codebook_size:
        raise ConfigError(
            f'codebook_size is {config.codebook_size}; group "{group.name}" of {path} has'
            f" {len(book)} codes: give at least as many"
        )
    length = group.length
    return TrainedGroup(kind, config.codebook_size, book, mean, std, length, kind.assets())


def _definition(name: str, columns: Any) -> Mapping[str, Any] | str:
    """Guess a group by its name, or by the columns that the scripts wrote down."""
    if name in PRESETS:
        return name
    listed = [str(c) for c in (columns.values() if isinstance(columns, Mapping) else columns)]
    kind, wanted = next(
        (
            (kind, wanted)
            for kind, wanted in (
                ("flux_ivar", {"flux_col": "flux", "ivar_col": "ivar"}),
                ("ztf_mag_err", {"err_col": "magerr", "mag_col": "mag"}),
            )
            if all(_holding(listed, word) for word in wanted.values())
        ),
        ("", {}),
    )
    if not kind:
        raise LegacyError(
            f'group "{name}" with the columns {listed} is of no known kind: give its definition,'
            " groups=[{name: ..., kind: ..., ...}]"
        )
    found: dict[str, Any] = {"name": name, "kind": kind}
    for option, word in wanted.items():
        found[option] = _holding([c for c in listed if c not in found.values()], word)
    return found


def _holding(columns: Sequence[str], word: str) -> str:
    return next((column for column in columns if word in column), "")


def _codebooks(content: Mapping[str, Any], path: Path, names: list[str]) -> dict[str, Any]:
    """Take the codebooks from the file, and what it lacks from the KMeans beside it."""
    books = dict(_mapping(content, "group_codebooks", path)) if "group_codebooks" in content else {}
    for name in names:
        beside = path.with_name(f"spectrum_kmeans_{name}.joblib")
        if books.get(name) is None and beside.exists():
            books[name] = _centres(read_legacy(beside), beside)
    books = {name: book for name, book in books.items() if book is not None}
    if not books:
        raise LegacyError(
            f"{path}: no codebook in it (group_codebooks), and no spectrum_kmeans_NAME.joblib"
            " beside it"
        )
    return books


def _centres(content: Mapping[str, Any], path: Path) -> NDArray[Any]:
    found = content.get("value", content)
    if isinstance(found, Record) and found.name.rpartition(".")[2] in _KMEANS:
        state = found.state
        if isinstance(state, Mapping) and "cluster_centers_" in state:
            return np.asarray(state["cluster_centers_"])
    raise LegacyError(f"{path}: it holds no fitted KMeans of scikit-learn")


def _mapping(content: Mapping[str, Any], key: str, path: Path) -> Mapping[str, Any]:
    found = content.get(key)
    if not isinstance(found, Mapping):
        raise LegacyError(
            f"{path}: its {key} is {type(found).__name__}, not a dict by group;"
            f" it holds {', '.join(content)}"
        )
    return found


def _number(content: Mapping[str, Any], default: int) -> int:
    for key in ("codebook_size", "CODEBOOK_SIZE", "n_clusters"):
        if isinstance(content.get(key), int | np.integer):
            return int(content[key])
    return default
