"""Reads a pytree: the layout, compiled once per structure, and the leaves in its order."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from .._fields import Field
from ..errors import ConfigError, ShapeError
from ._backend import (
    is_array,
    static_int,
    static_shape,
    uncached_under_compile,
)
from ._errors import PaddingWarning, UnknownKey
from ._independence import Independence
from ._layout import Layout
from ._ragged import Ragged
from ._tree import Tree, flatten_tree

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Structure:
    """A pytree as it was read: static layout, leaves by key, and the shape of the samples."""

    layout: Layout
    leaves: dict[str, Any]
    sample_shape: Shape
    padding_ratio: float


def read_structure(
    data: Any,
    sample_ndims: int,
    batch_ndims: Any = None,
    key_order: Sequence[str] | None = None,
    max_batch_size: int | None = None,
    independence: Independence | None = None,
) -> Structure:
    """Name the leaves and find their layout; only the first batch of a structure pays for that.

    Rules of independence are checked against the layout, once too.
    """
    names, found, tree = flatten_tree(data, _is_leaf)
    sample_ndims = static_int(sample_ndims, "sample_ndims")
    leaves = {name: _as_leaf(leaf) for name, leaf in zip(names, found, strict=True)}
    shapes = tuple((name, static_shape(leaf, name)) for name, leaf in leaves.items())
    sample_shape = _sample_shape(shapes, leaves, sample_ndims)
    layout, ratio = uncached_under_compile(_compile)(
        tree,
        tuple((name, shape[sample_ndims:]) for name, shape in shapes),
        _batch_ndims(batch_ndims, names),
        None if key_order is None else tuple(key_order),
        max_batch_size,
        independence,
    )
    return Structure(layout, {key: leaves[key] for key in layout.keys}, sample_shape, ratio)


def warn_of_padding(structure: Structure, stacklevel: int = 3) -> None:
    """Warn when the widest key has more than twice the features of the narrowest."""
    if structure.padding_ratio > 2:
        warnings.warn(
            f"Batch size padding ratio is {structure.padding_ratio:.1f}x, "
            "consider restructuring data",
            PaddingWarning,
            stacklevel=stacklevel,
        )


@lru_cache(maxsize=256)
def _compile(
    tree: Tree,
    shapes: tuple[tuple[str, Shape], ...],
    batch_ndims: tuple[tuple[str, int], ...],
    key_order: tuple[str, ...] | None,
    max_batch_size: int | None,
    independence: Independence | None,
) -> tuple[Layout, float]:
    trailing = dict(batch_ndims)
    split: dict[str, tuple[Shape, Shape]] = {}
    for key, shape in shapes:
        cut = len(shape) - trailing.get(key, 1)
        if cut < 0:
            raise ShapeError(
                f"Key {key!r} has shape {shape} after the sample dimensions, "
                f"fewer than its {trailing.get(key, 1)} batch dimensions. "
                "Say how many it has with batch_ndims."
            )
        split[key] = shape[:cut], shape[cut:]
    if key_order is not None:
        split = {key: split[key] for key in _checked_order(key_order, split)}
    layout = Layout.of(split, max_batch_size or 0, tree)
    if max_batch_size is not None and max_batch_size < layout.width:
        raise ConfigError(
            f"max_batch_size is {max_batch_size}, but a key has {layout.width} features per token."
        )
    if independence is not None:
        independence.check(layout.event_shapes)
    widths = [slot.width for slot in layout.slots if slot.width]
    return layout, layout.width / min(widths) if widths else 1.0


def _checked_order(order: tuple[str, ...], keys: Mapping[str, object]) -> tuple[str, ...]:
    for key in order:
        if key not in keys:
            raise UnknownKey.among(key, keys)
    if len(order) != len(keys) or len(set(order)) != len(order):
        raise ConfigError(
            f"key_order {list(order)} must name each key once: the keys are {list(keys)}."
        )
    return order


def _batch_ndims(given: Any, names: Sequence[str]) -> tuple[tuple[str, int], ...]:
    if given is None:
        return ()
    if not isinstance(given, Mapping | list | tuple):
        number = static_int(given, "batch_ndims")
        return tuple((name, number) for name in names)
    keys, numbers, _ = flatten_tree(given)
    flat = dict(zip(keys, numbers, strict=True))
    if isinstance(given, Mapping):  # a key of a nested leaf may also be given as it is written
        flat = {k if k in names else _as_written(k, given): v for k, v in flat.items()}
    for key in flat:
        if key not in names:
            raise UnknownKey.among(key, names)
    return tuple((key, static_int(n, f"batch_ndims[{key!r}]")) for key, n in flat.items())


def _as_written(key: str, given: Mapping[Any, Any]) -> str:
    plain = key.replace("~1", "/").replace("~0", "~")
    return plain if plain in given else key


def _sample_shape(
    shapes: Sequence[tuple[str, Shape]], leaves: Mapping[str, Any], sample_ndims: int
) -> Shape:
    if not shapes:
        raise ConfigError("There is no array at all. Give at least one key.")
    first, sample_shape = shapes[0][0], shapes[0][1][:sample_ndims]
    for key, shape in shapes:
        if isinstance(leaves[key], Ragged) and sample_ndims != 1:
            raise ConfigError(
                f"Key {key!r} is Ragged, which has one sample dimension, not {sample_ndims}."
            )
        if len(shape) < sample_ndims:
            raise ShapeError(
                f"Key {key!r} has shape {shape}, fewer than {sample_ndims} sample dimensions."
            )
        if shape[:sample_ndims] != sample_shape:
            raise ShapeError(
                f"Key {key!r} has sample shape {shape[:sample_ndims]}, "
                f"but {first!r} has {sample_shape}."
            )
    return sample_shape


def _is_leaf(value: object) -> bool:
    return is_array(value) or isinstance(value, Ragged | Field)


def _as_leaf(value: Any) -> Any:
    if isinstance(value, Field):
        return value.values if value.indptr is None else Ragged(value.values, value.indptr)
    return value if hasattr(value, "shape") else np.asarray(value)
