"""Leaves to one flat array: NumPy fills memory in place, torch and JAX join pieces.

Joining keeps gradients, `vmap` and tracing intact; filling writes each byte once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import ConfigError, ShapeError
from ._backend import Array, as_arrays, cast, concat, constant, dtype_name
from ._layout import Layout, Slot
from ._ragged import Ragged, scatter_rows

Shape = tuple[int, ...]

_BYTES_AT_ONCE = 1_500_000


def assemble(
    layout: Layout,
    leaves: Mapping[str, Any],
    sample_shape: Shape,
    pad_value: float = 0.0,
    out: np.ndarray[Any, Any] | None = None,
) -> Array:
    """Give the flat array, (*sample, n_tokens, width); a key without a leaf is padding alone.

    `out` is an array that held this layout before: its padding is left as it is.
    """
    held = {key: leaf for key, leaf in leaves.items() if leaf is not None}
    raw = [leaf.values if isinstance(leaf, Ragged) else leaf for leaf in held.values()]
    xp, arrays = as_arrays(raw)
    values = dict(zip(held, arrays, strict=True))
    if xp is not np:
        return _join(layout, held, values, sample_shape, pad_value, xp)
    dtype = np.result_type(*{array.dtype for array in arrays})
    check_pad(pad_value, dtype)
    shape = (*sample_shape, layout.n_tokens, layout.width)
    if out is None:
        data = np.zeros(shape, dtype) if pad_value == 0 else np.full(shape, pad_value, dtype)
    else:
        data = _reused(out, shape, dtype)
    whole = []
    for key, slot in zip(layout.keys, layout.slots, strict=True):
        leaf = held.get(key)
        if isinstance(leaf, Ragged):
            _fill_ragged(data, slot, values[key], leaf, pad_value, fresh=out is None)
        elif leaf is not None:
            flat = values[key].reshape(*sample_shape, slot.size, slot.width)
            whole.append((data[..., slot.offset : slot.stop, : slot.width], flat))
    _fill(data, whole)
    return data


def check_pad(pad_value: float, dtype: object) -> None:
    """Refuse a pad value that the dtype cannot hold."""
    if pad_value != 0 and dtype_name(dtype).startswith(("int", "uint")):
        limits = np.iinfo(dtype_name(dtype))
        if pad_value != int(pad_value) or not limits.min <= pad_value <= limits.max:
            raise ConfigError(f"pad_value {pad_value!r} does not fit the data's {limits.dtype}.")


def _fill(data: Any, parts: list[tuple[Any, Any]]) -> None:
    """Write all keys of some samples before those of the next: fresh pages are touched once."""
    step = _BYTES_AT_ONCE // max(data[:1].nbytes, 1) + 1
    if data.ndim < 3 or step >= len(data):
        for target, flat in parts:
            target[...] = flat
        return
    for start in range(0, len(data), step):
        for target, flat in parts:
            target[start : start + step] = flat[start : start + step]


def _reused(out: np.ndarray[Any, Any], shape: Shape, dtype: np.dtype[Any]) -> Any:
    fits = type(out) is np.ndarray and out.dtype == dtype and out.flags.c_contiguous
    if not fits or not out.flags.writeable or out.shape[1:] != shape[1:] or len(out) < shape[0]:
        raise ShapeError(
            f"out holds {getattr(out, 'shape', None)} {getattr(out, 'dtype', None)}; this batch "
            f"needs a writable NumPy array of {shape} {dtype}, or more samples."
        )
    return out[: shape[0]]


def _fill_ragged(
    data: Any, slot: Slot, values: Any, leaf: Ragged, pad_value: float, fresh: bool
) -> None:
    if not fresh:
        data[:, slot.offset : slot.stop, : slot.width] = pad_value
    if values.size:
        inner = values.reshape(len(values), -1, slot.width)
        scatter_rows(inner, np.asarray(leaf.indptr), data, slot.offset)


def _join(
    layout: Layout,
    held: Mapping[str, Any],
    values: Mapping[str, Array],
    sample_shape: Shape,
    pad_value: float,
    xp: Any,
) -> Array:
    dtype = xp.result_type(*values.values())
    check_pad(pad_value, dtype)
    like = next(iter(values.values()))

    def padding(tokens: int, width: int) -> Array:
        block = np.full((*sample_shape, tokens, width), pad_value, np.float32)
        return cast(constant(block, like), dtype)

    pieces = []
    for key, slot in zip(layout.keys, layout.slots, strict=True):
        if key not in held:
            pieces.append(padding(slot.size, layout.width))
            continue
        leaf = held[key]
        value = leaf.padded(pad_value) if isinstance(leaf, Ragged) else values[key]
        value = cast(xp.reshape(value, (*sample_shape, slot.size, slot.width)), dtype)
        if slot.width < layout.width:
            value = concat([value, padding(slot.size, layout.width - slot.width)], -1, xp)
        pieces.append(value)
    return concat(pieces, -2, xp)


def event_shapes_of(leaves: Mapping[str, Any], layout: Layout) -> dict[str, Array]:
    """Give the event shape that each row of a ragged leaf really has, (rows, event dimensions)."""
    extents = {}
    for key, leaf in leaves.items():
        if isinstance(leaf, Ragged):
            event_shape = layout[key].event_shape
            if not event_shape:
                raise ShapeError(
                    f"Key {key!r} is Ragged, so its rows are tokens, but batch_ndims leaves no "
                    "event dimension. Ragged scalars need batch_ndims 0."
                )
            extents[key] = _extents(leaf, event_shape)
    return extents


def _extents(leaf: Ragged, event_shape: Shape) -> Array:
    xp, (values, lengths) = as_arrays([leaf.values, leaf.lengths])
    del values
    inner = np.broadcast_to(np.array(event_shape[1:], np.int32), (leaf.rows, len(event_shape) - 1))
    _, parts = as_arrays([cast(lengths, "int32")[:, None], np.array(inner)])
    return concat(parts, -1, xp)
