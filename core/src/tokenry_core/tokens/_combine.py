"""Samples of two structures that differ in size only, as one set."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ConfigError, ShapeError
from ._assemble import check_pad
from ._backend import Array, as_arrays, broadcast_constant, cast, concat, constant
from ._functional import NO_INPUT
from ._layout import Layout, Slot
from ._tokens import Tokens


def combine_tokens(a: Tokens, b: Tokens, pad_value: float = 0.0) -> Tokens:
    """Give the samples of a, then those of b, each key padded to the larger of its two sizes.

    What was padding in a or b stays padding, and what is added here is padding too. The keys,
    their batch shapes and the independence must agree; the order is that of a.

    >>> small = Tokens.from_pytree({"obs": np.ones((2, 3, 1))})
    >>> large = Tokens.from_pytree({"obs": np.ones((1, 4, 1))})
    >>> combine_tokens(small, large).padding_mask
    array([[1., 1., 1., 0.],
           [1., 1., 1., 0.],
           [1., 1., 1., 1.]], dtype=float32)
    """
    layout = _common_layout(a, b)
    a.independence.check(layout.event_shapes)
    return Tokens(
        _stack(
            [_padded(t.data, t.layout, layout, pad_value, layout.width) for t in (a, b)],
        ),
        layout,
        a.independence,
        _combined_inputs(a, b, layout),
        {
            key: _stack([_extent(t, key) for t in (a, b)])
            for key, slot in zip(layout.keys, layout.slots, strict=True)
            if _is_padded(a, key, slot) or _is_padded(b, key, slot)
        },
    )


def _common_layout(a: Tokens, b: Tokens) -> Layout:
    if set(a.layout.keys) != set(b.layout.keys):
        raise ConfigError(
            f"Cannot combine tokens of keys {a.key_order} with tokens of keys {b.key_order}."
        )
    if a.independence != b.independence:
        raise ConfigError("Cannot combine tokens of different independence.")
    if a.sample_shape[1:] != b.sample_shape[1:] or not a.sample_shape or not b.sample_shape:
        raise ShapeError(
            f"Cannot combine samples of shape {a.sample_shape} with {b.sample_shape}: "
            "all but the first dimension must agree, and there must be one."
        )
    shapes = {}
    for key in a.layout.keys:
        one, other = a.layout[key], b.layout[key]
        same_rank = len(one.event_shape) == len(other.event_shape)
        if one.batch_shape != other.batch_shape or not same_rank:
            raise ShapeError(
                f"Cannot combine key {key!r}: it has event shape {one.event_shape} and batch "
                f"shape {one.batch_shape}, and {other.event_shape} and {other.batch_shape}."
            )
        larger = tuple(map(max, one.event_shape, other.event_shape))
        shapes[key] = larger, one.batch_shape
    tree = a.layout.tree if a.layout.tree == b.layout.tree else None
    return Layout.of(shapes, max(a.layout.width, b.layout.width), tree)


def _padded(flat: Array, old: Layout, new: Layout, pad_value: float, width: int) -> Array:
    """Give a flat array in the new layout: event dimensions and features grown at their ends."""
    xp, _ = as_arrays([flat])
    check_pad(pad_value, flat.dtype)
    samples = tuple(flat.shape[:-2])
    parts = []
    for key, slot in zip(new.keys, new.slots, strict=True):
        had = old[key]
        part = flat[..., had.offset : had.stop, :].reshape(
            (*samples, *had.event_shape, flat.shape[-1])
        )
        grown = (*slot.event_shape, width)
        for axis, size in enumerate(grown, start=len(samples)):
            part = _grown(part, axis, size, pad_value, xp)
        parts.append(part.reshape((*samples, slot.size, width)))
    return concat(parts, -2, xp)


def _grown(array: Array, axis: int, size: int, pad_value: float, xp: Any) -> Array:
    missing = size - array.shape[axis]
    if not missing:
        return array
    shape = (*array.shape[:axis], missing, *array.shape[axis + 1 :])
    block = cast(constant(np.full(shape, pad_value, np.float32), array), array.dtype)
    return concat([array, block], axis, xp)


def _combined_inputs(a: Tokens, b: Tokens, layout: Layout) -> Array | None:
    inputs = [tokens.functional_inputs for tokens in (a, b)]
    if all(array is None for array in inputs):
        return None
    width = max(array.shape[-1] for array in inputs if array is not None)
    parts = []
    for tokens, array in zip((a, b), inputs, strict=True):
        if array is None:  # all padding: nothing is known about these tokens
            shape = (*tokens.sample_shape, layout.n_tokens, width)
            parts.append(constant(np.full(shape, NO_INPUT, np.float32), tokens.data))
        else:
            parts.append(_padded(array, tokens.layout, layout, NO_INPUT, width))
    return _stack(parts)


def _stack(arrays: list[Array]) -> Array:
    xp, same = as_arrays(arrays)
    dtype = xp.result_type(*same)
    return concat([cast(array, dtype) for array in same], 0, xp)


def _is_padded(tokens: Tokens, key: str, slot: Slot) -> bool:
    return key in tokens.event_shapes or tokens.layout[key].event_shape != slot.event_shape


def _extent(tokens: Tokens, key: str) -> Array:
    if key in tokens.event_shapes:
        return tokens.event_shapes[key]
    whole = np.array(tokens.layout[key].event_shape, np.int32)
    return broadcast_constant(whole, (*tokens.sample_shape, len(whole)), tokens.data)
