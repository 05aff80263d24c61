"""Pytrees to flat arrays and back, as plain functions of arrays and slice metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import ConfigError, ShapeError
from ._assemble import assemble
from ._backend import Array, as_arrays, cast, concat, dtype_name, static_shape
from ._layout import Layout
from ._structure import read_structure, warn_of_padding

Slices = Mapping[str, Mapping[str, Any]]

_KINDS = ("bool", "uint", "int", "bfloat", "float", "complex")


def flatten_pytree(
    data: Any,
    sample_ndims: int = 1,
    batch_ndims: Any = None,
    pad_value: float = 0.0,
    max_batch_size: int | None = None,
) -> tuple[Array, dict[str, dict[str, Any]]]:
    """Give one flat array, (*sample, n_tokens, max_batch_size), and the place of each key in it.

    A leaf has shape (*sample, *event, *batch): `sample_ndims` leading dimensions and
    `batch_ndims` trailing ones (1, or by key). Event dimensions become tokens, batch dimensions
    features, padded to the widest key or to `max_batch_size`.

    >>> flat, slices = flatten_pytree({"mu": np.ones((4, 1)), "obs": np.ones((4, 3, 2))})
    >>> flat.shape, slices["obs"]
    ((4, 4, 2), {'offset': 1, 'event_shape': (3,), 'batch_shape': (2,)})
    """
    structure = read_structure(data, sample_ndims, batch_ndims, None, max_batch_size)
    warn_of_padding(structure)
    flat = assemble(structure.layout, structure.leaves, structure.sample_shape, pad_value)
    return flat, structure.layout.slices


def decode_pytree(
    flat_array: Array,
    slices: Slices,
    sample_shape: Sequence[int] | None = None,
    keys: Sequence[str] | None = None,
) -> dict[str, Array]:
    """Give the value of each key, or of the chosen keys, from a flat array.

    >>> flat, slices = flatten_pytree({"mu": np.ones((4, 1)), "obs": np.ones((4, 3, 1))})
    >>> decode_pytree(flat, slices, keys=["obs"])["obs"].shape
    (4, 3, 1)
    """
    layout = Layout.from_slices(slices)
    chosen = layout.keys if keys is None else layout.checked(keys)
    return decode_layout(flat_array, layout, chosen, sample_shape)


def update_flat_array(flat_array: Array, slices: Slices, key: str, new_value: Array) -> Array:
    """Give a new flat array in which one key has a new value; the old one is left alone.

    >>> flat, slices = flatten_pytree({"mu": np.ones((2, 1)), "obs": np.ones((2, 2, 1))})
    >>> update_flat_array(flat, slices, "mu", np.zeros((2, 1)))[0].ravel()
    array([0., 1., 1.])
    """
    layout = Layout.from_slices(slices)
    layout.check_flat(flat_array.shape)
    return replace_values(flat_array, layout, {key: new_value})


def decode_layout(
    flat: Array, layout: Layout, keys: Sequence[str], sample_shape: Sequence[int] | None = None
) -> dict[str, Array]:
    """Cut the chosen keys out of a flat array and give each its own shape."""
    shape = static_shape(flat, "flat array")
    layout.check_flat(shape)
    samples = shape[:-2] if sample_shape is None else tuple(sample_shape)
    decoded = {}
    for key in keys:
        slot = layout[key]
        part = flat[..., slot.offset : slot.stop, : slot.width]
        decoded[key] = part.reshape((*samples, *slot.event_shape, *slot.batch_shape))
    return decoded


def replace_values(flat: Array, layout: Layout, values: Mapping[str, Array]) -> Array:
    """Give a flat array with some keys' values replaced; it is joined anew, never written to."""
    xp, arrays = as_arrays([flat, *values.values()])
    flat = arrays[0]
    blocks = {
        layout[key].offset: (key, _block(flat, layout, key, value))
        for key, value in zip(values, arrays[1:], strict=True)
    }
    if xp is np:
        fresh = flat.copy()
        for start, (_, block) in blocks.items():
            fresh[..., start : start + block.shape[-2], : block.shape[-1]] = block
        return fresh
    pieces, end = [], 0
    for start in sorted(blocks):
        key, block = blocks[start]
        stop = start + layout[key].size
        rest = flat[..., start:stop, layout[key].width :]
        pieces += [flat[..., end:start, :], concat([cast(block, flat.dtype), rest], -1, xp)]
        end = stop
    return concat([*pieces, flat[..., end:, :]], -2, xp)


def _block(flat: Array, layout: Layout, key: str, value: Array) -> Array:
    slot = layout[key]
    samples = static_shape(flat, "flat array")[:-2]
    expected = (*samples, *slot.event_shape, *slot.batch_shape)
    if static_shape(value, key) != expected:
        raise ShapeError(
            f"Key {key!r} has shape {expected}, but the new value has {tuple(value.shape)}"
        )
    if _kind(value) > _kind(flat):
        raise ConfigError(
            f"The new value of {key!r} is {dtype_name(value.dtype)}, which tokens of "
            f"{dtype_name(flat.dtype)} cannot hold. Convert it first."
        )
    return value.reshape((*samples, slot.size, slot.width))


def _kind(array: Array) -> int:
    return _KINDS.index(dtype_name(array.dtype).rstrip("0123456789_"))
