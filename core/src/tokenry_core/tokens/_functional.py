"""Functional inputs: what is known about each token beside its value (a time, a place)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import ShapeError
from ._assemble import assemble
from ._backend import (
    Array,
    as_arrays,
    cast,
    dtype_name,
    static_int,
    static_shape,
)
from ._errors import UnknownKey
from ._layout import Layout
from ._tree import flatten_tree

NO_INPUT = -1e8
"""Stands for "no functional input": far outside any time or place."""


def flatten_functional_inputs(
    functional_inputs: Any,
    slices: Mapping[str, Mapping[str, Any]],
    sample_ndims: int = 1,
    pad_value: float = NO_INPUT,
) -> Array | None:
    """Give functional inputs aligned with the tokens, (*sample, n_tokens, width), or None.

    Each has shape (*sample, *event, *features), with the event shape of its key; a key without
    one is all `pad_value`. The width is that of the tokens, or of the widest input if larger.

    >>> import numpy as np
    >>> slices = {
    ...     "mu": {"offset": 0, "event_shape": (), "batch_shape": (1,)},
    ...     "obs": {"offset": 1, "event_shape": (2,), "batch_shape": (1,)},
    ... }
    >>> flatten_functional_inputs({"obs": np.array([[[0.0], [1.0]]])}, slices)[0].ravel()
    array([-1.e+08,  0.e+00,  1.e+00])
    """
    return align_functional_inputs(
        functional_inputs,
        Layout.from_slices(slices),
        static_int(sample_ndims, "sample_ndims"),
        pad_value,
    )


def align_functional_inputs(
    functional_inputs: Any,
    layout: Layout,
    sample_ndims: int,
    pad_value: float = NO_INPUT,
    sample_shape: tuple[int, ...] | None = None,
) -> Array | None:
    """Lay functional inputs out as the tokens are; the sample shape is the tokens' if given."""
    if functional_inputs is None:
        return None
    names, found, _ = flatten_tree(functional_inputs)
    if not names:
        return None
    _, arrays = as_arrays(found)
    leaves = dict(zip(names, (_floating(array) for array in arrays), strict=True))
    samples = sample_shape
    if samples is None:
        samples = static_shape(arrays[0], names[0])[:sample_ndims]
    batch_shapes = {}
    for key, leaf in leaves.items():
        if key not in layout.keys:
            raise UnknownKey.among(key, layout.keys)
        batch_shapes[key] = _features(key, leaf, (*samples, *layout[key].event_shape))
    ordered = sorted(layout.keys, key=lambda key: layout[key].offset)
    wide = Layout.of(
        {key: (layout[key].event_shape, batch_shapes.get(key, ())) for key in ordered},
        layout.width,
    )
    return assemble(wide, leaves, samples, pad_value)


def _features(key: str, leaf: Array, token_shape: tuple[int, ...]) -> tuple[int, ...]:
    shape = static_shape(leaf, key)
    if shape[: len(token_shape)] != token_shape:
        raise ShapeError(
            f"Functional input {key!r} has shape {shape} "
            f"but expected to match token shape {token_shape}"
        )
    return shape[len(token_shape) :]


def _floating(array: Array) -> Array:
    # The sentinel must fit: whole numbers may not hold it, half precision makes it infinite.
    name = dtype_name(array.dtype)
    return array if name in ("float32", "float64", "bfloat16") else cast(array, "float32")
