"""Attention and padding masks as arrays: one allows, zero forbids.

Masks are float32, as models written for JAX expect. torch's attention reads a float mask as a
number to add, so ask for `dtype=bool` there; and a row that may attend nowhere makes its softmax
NaN, so look at `rows_without_attention` first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from ..errors import ShapeError
from ._backend import (
    Array,
    as_arrays,
    cast,
    concat,
    constant_under_compile,
    dtype_name,
)
from ._errors import UnknownKey
from ._independence import Independence, Match, pair_rules
from ._layout import Layout, Slot

Slices = Mapping[str, Mapping[str, Any]]


def build_self_attention_mask(
    slices: Slices,
    independence: Independence | Mapping[str, Any] | None,
    selected_keys: Sequence[str] | None = None,
    dtype: object = "float32",
) -> Array:
    """Give which token may attend to which, (n_tokens, n_tokens), as a NumPy array.

    >>> slices = {"a": {"offset": 0, "event_shape": (2,)}, "b": {"offset": 2, "event_shape": (2,)}}
    >>> build_self_attention_mask(slices, {"local": ["a"], "cross_local": [("a", "b", None)]})
    array([[0., 0., 1., 0.],
           [0., 0., 0., 1.],
           [1., 0., 1., 1.],
           [0., 1., 1., 1.]], dtype=float32)
    """
    layout = layout_of(slices, selected_keys)
    return dense_mask(layout, layout, Independence.of(independence), dtype)


def build_cross_attention_mask(
    query_slices: Slices,
    key_slices: Slices,
    independence: Independence | Mapping[str, Any] | None,
    dtype: object = "float32",
) -> Array:
    """Give which query may attend to which key token, (n_queries, n_keys), as a NumPy array.

    >>> theta = {"theta": {"offset": 0, "event_shape": (2,)}}
    >>> obs = {"obs": {"offset": 0, "event_shape": (2, 2)}}
    >>> build_cross_attention_mask(theta, obs, {"cross_local": [("theta", "obs", (0, 0))]})
    array([[1., 1., 0., 0.],
           [0., 0., 1., 1.]], dtype=float32)
    """
    query, key = layout_of(query_slices), layout_of(key_slices)
    return dense_mask(query, key, Independence.of(independence), dtype)


def build_padding_mask(
    slices: Slices,
    event_shapes: Mapping[str, Array],
    selected_keys: Sequence[str] | None = None,
    dtype: object = "float32",
) -> Array:
    """Give which tokens are real, (*sample, n_tokens), from the event shape each key really has.

    `event_shapes[key]` has shape (*sample, event dimensions); a key without one is never padded.

    >>> slices = {"x": {"offset": 0, "event_shape": (4,)}}
    >>> build_padding_mask(slices, {"x": np.array([[2], [4]])})
    array([[1., 1., 0., 0.],
           [1., 1., 1., 1.]], dtype=float32)
    """
    layout = layout_of(slices, selected_keys)
    for key in event_shapes:
        if key not in slices:
            raise UnknownKey.among(key, slices)
    return cast(padding_mask(layout, event_shapes), dtype)


def rows_without_attention(mask: Array) -> Array:
    """Tell which queries may attend to nothing: their softmax is NaN in torch.

    The last two axes of the mask are queries and keys. Give such rows one token to attend to, or
    drop their output.

    >>> rows_without_attention(np.array([[1.0, 0.0], [0.0, 0.0]]))
    array([False,  True])
    """
    xp, (array,) = as_arrays([mask])
    return ~xp.any(array != 0, axis=-1)


def layout_of(slices: Slices, keys: Sequence[str] | None = None) -> Layout:
    """Give the layout of slices, from token 0: of the chosen keys, else of all by offset."""
    layout = Layout.from_slices(slices)
    if keys is None:
        keys = sorted(layout.keys, key=lambda key: layout[key].offset)
    return layout.select(layout.checked(keys))


def dense_mask(
    query: Layout, key: Layout, independence: Independence, dtype: object = "float32"
) -> Array:
    """Fill the mask block by block; a match touches its own entries alone."""
    rules = independence.local, independence.cross, independence.cross_local
    return _fill(_plain(query), _plain(key), rules, dtype_name(dtype))


def _plain(layout: Layout) -> tuple[tuple[str, tuple[int, ...]], ...]:
    return tuple(
        (key, slot.event_shape) for key, slot in zip(layout.keys, layout.slots, strict=True)
    )


@constant_under_compile
def _fill(query_shapes: Any, key_shapes: Any, rules: Any, dtype: str) -> Any:
    # Plain tuples, because torch.compile can make no constant of a layout cut inside its graph.
    query = Layout.of({key: (shape, ()) for key, shape in query_shapes})
    key = Layout.of({key: (shape, ()) for key, shape in key_shapes})
    table = pair_rules({**key.event_shapes, **query.event_shapes}, Independence(*rules))
    pairs = [
        (rows, columns, table.get((a, b)))
        for a, rows in zip(query.keys, query.slots, strict=True)
        for b, columns in zip(key.keys, key.slots, strict=True)
    ]
    shape = (query.n_tokens, key.n_tokens)
    free = sum(rows.size * columns.size for rows, columns, matches in pairs if matches is None)
    # Zeroed memory costs nothing until it is touched, and most long masks are mostly zero.
    mostly_ones = 2 * free > shape[0] * shape[1]
    mask = (np.ones if mostly_ones else np.zeros)(
        shape, "float32" if dtype == "bfloat16" else dtype
    )
    for rows, columns, matches in pairs:
        block = mask[rows.offset : rows.stop, columns.offset : columns.stop]
        if (matches is None) != mostly_ones:
            block[...] = not mostly_ones
        for match in matches or ():
            _matching(block, rows, columns, match)[...] = 1
    return mask


def padding_mask(layout: Layout, event_shapes: Mapping[str, Array]) -> Array:
    """Give the real tokens as booleans, in the library of the event shapes."""
    given = {key: event_shapes[key] for key in layout.keys if key in event_shapes}
    arrays = [np.asarray(v) if isinstance(v, tuple | list) else v for v in given.values()]
    xp, arrays = as_arrays(arrays)
    extents = dict(zip(given, arrays, strict=True))
    sample_shape = np.broadcast_shapes(*(tuple(e.shape[:-1]) for e in extents.values()))
    parts = [np.ones((*sample_shape, 0), bool)]
    for key, slot in zip(layout.keys, layout.slots, strict=True):
        whole = np.ones(slot.size, bool)
        parts.append(_inside(key, slot, extents[key], xp) if key in extents else whole)
    _, parts = as_arrays(parts)
    parts = [xp.broadcast_to(part, (*sample_shape, part.shape[-1])) for part in parts]
    return concat(parts, -1, xp)


def check_extent(key: str, slot: Slot, extent: Array) -> None:
    """Refuse event shapes of samples that have other dimensions than their key."""
    dimensions = extent.shape[-1] if extent.shape else 0
    if not extent.shape or dimensions != len(slot.event_shape):
        raise ShapeError(
            f"The event shapes of {key!r} have {dimensions} dimensions, "
            f"but its tokens have the event shape {slot.event_shape}"
        )


def _matching(block: Any, rows: Slot, columns: Slot, match: Match) -> Any:
    """Give a writable view of the block's entries where the match holds."""
    i, j = match
    if i is None or j is None:
        return np.einsum("ii->i", block)
    p, q = len(rows.event_shape), len(columns.event_shape)
    axes = list(range(p + q))
    axes[p + j] = i
    grid = block.reshape(rows.event_shape + columns.event_shape)
    return np.einsum(grid, axes, sorted(set(axes)))


def _inside(key: str, slot: Slot, extent: Array, xp: Any) -> Array:
    check_extent(key, slot, extent)
    dimensions = len(slot.event_shape)
    places = np.indices(slot.event_shape).reshape(dimensions, prod(slot.event_shape))
    _, (grid, extent) = as_arrays([places, extent])
    return xp.all(extent[..., None, :] > grid.T, axis=-1)
