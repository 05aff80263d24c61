"""Reads the .npz files of the scripts that this replaces, through core's reader of inert data."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenry_core import build_config
from tokenry_core.errors import LegacyError
from tokenry_core.legacy import read_legacy
from tokenry_scalar._config import ScalarConfig
from tokenry_scalar._edges import FLOAT32, FLOAT64, INTEGER, unreachable
from tokenry_scalar._names import pack_names

_OTHER_NAMES = {"seed": "rng_seed"}


def read_scalar_npz(
    path: str | os.PathLike[str],
) -> tuple[ScalarConfig, dict[str, NDArray[Any]]]:
    """Give the configuration and state that encode as the scripts did.

    They put missing values into the bin of the column's mean, so the configuration does.
    """
    held = read_legacy(path)
    edges = _edges(held, path)
    names = _names(held, list(edges))
    options = _options(held) | {"scalar_columns": names, "missing": "mean"}
    options.setdefault("n_bins", max(len(found) for found in edges.values()) - 1)
    config = build_config(ScalarConfig, options, os.fspath(path))
    return config, _state(config, names, edges, held, path)


def _edges(held: Mapping[str, object], path: Any) -> dict[str, NDArray[np.float64]]:
    found = held.get("bin_edges")
    if not isinstance(found, dict) or not found:
        raise LegacyError(
            f"{os.fspath(path)}: it holds {', '.join(held) or 'nothing'}; a scalar tokenizer of the"
            " older scripts holds bin_edges, a dict of one array a column"
        )
    edges = {}
    for name, values in found.items():
        array = np.asarray(values)
        if array.dtype.kind not in "fiu" or array.ndim != 1 or array.size < 2:
            raise LegacyError(
                f"{os.fspath(path)}: bin_edges of {name!s:.80} are no list of numbers"
            )
        array = array.astype(np.float64)
        if not (np.isfinite(array).all() and (np.diff(array) > 0).all()):
            raise LegacyError(
                f"{os.fspath(path)}: bin_edges of {name!s:.80} do not rise from edge to edge"
            )
        edges[str(name)] = array
    return edges


def _names(held: Mapping[str, object], known: list[str]) -> list[str]:
    """Give the columns in the order of the file's own list, where there is one."""
    for key in ("scalar_cols", "scalar_columns", "SCALAR_COLS", "SCALAR_COLUMNS"):
        listed = held.get(key)
        if isinstance(listed, np.ndarray | list | tuple):
            names = [str(name) for name in listed]
            if sorted(names) == sorted(known):
                return names
    return known


def _options(held: Mapping[str, object]) -> dict[str, Any]:
    """Give the scalars of the file that are options of ours, whatever their letters' case."""
    known = {f.name for f in fields(ScalarConfig)} - {"scalar_columns", "filters", "missing"}
    options: dict[str, Any] = {}
    for key, value in held.items():
        name = _OTHER_NAMES.get(key.lower(), key.lower())
        plain = value.item() if isinstance(value, np.generic) else value
        if name in known and isinstance(plain, bool | int | float | str):
            options[name] = plain
    return options


def _state(
    config: ScalarConfig,
    names: list[str],
    edges: Mapping[str, NDArray[np.float64]],
    held: Mapping[str, object],
    path: Any,
) -> dict[str, NDArray[Any]]:
    means, dtypes = _mapping(held, "col_means"), _mapping(held, "col_dtypes")
    padded = np.full((len(names), config.n_bins + 1), np.nan)
    empty = np.zeros(len(names), np.int64)
    for i, name in enumerate(names):
        if len(edges[name]) > config.n_bins + 1:
            raise LegacyError(
                f"{os.fspath(path)}: {name!s:.80} has {len(edges[name])} edges, and N_BINS is"
                f" {config.n_bins}"
            )
        padded[i, : len(edges[name])] = edges[name]
    return {
        "scalar_cols": pack_names(names),
        "edges": padded,
        "bins": np.array([len(edges[name]) - 1 for name in names], np.int64),
        "means": np.array([float(means.get(name, np.nan)) for name in names]),
        "values": empty,
        "unreachable": np.array(
            [unreachable(edges[n], edges[n], _lattice(dtypes.get(n))) for n in names], np.int64
        ),
        "rank_error": empty.astype(np.float64),
    }


def _mapping(held: Mapping[str, object], key: str) -> dict[str, Any]:
    found = held.get(key)
    return found if isinstance(found, dict) else {}


def _lattice(dtype: object) -> int:
    text = str(dtype).lower()
    if "int" in text:
        return INTEGER
    return FLOAT32 if "float32" in text else FLOAT64
