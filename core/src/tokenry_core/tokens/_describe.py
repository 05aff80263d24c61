"""What follows from a layout and the shape of the data: labels, positions and masks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ._backend import Array, as_arrays, broadcast_constant, cast, constant, in_library_of
from ._independence import Independence
from ._layout import Layout, label_row, position_row
from ._masks import dense_mask, padding_mask


def labels_of(layout: Layout, data: Array) -> Array:
    """Give the label of each token, (*sample, n_tokens), the samples sharing one memory."""
    return broadcast_constant(label_row(layout), data.shape[:-1], data)


def positions_of(layout: Layout, data: Array) -> Array:
    """Give the place of each token within its key, (*sample, n_tokens)."""
    return broadcast_constant(position_row(layout), data.shape[:-1], data)


def attention_of(
    query: Layout, key: Layout, independence: Independence, data: Array, dtype: object
) -> Array:
    """Give the attention mask in the library of the data."""
    mask = constant(dense_mask(query, key, independence, dtype), data)
    return cast(mask, dtype)


def padding_of(
    layout: Layout, event_shapes: Mapping[str, Array], data: Array, dtype: object
) -> Array:
    """Give which tokens are real, (*sample, n_tokens), in the library of the data."""
    given = {key: event_shapes[key] for key in layout.keys if key in event_shapes}
    if not given:
        ones = cast(constant(np.ones(layout.n_tokens, np.float32), data), dtype)
        if isinstance(ones, np.ndarray):
            return np.broadcast_to(ones, data.shape[:-1])
        xp, _ = as_arrays([ones])
        return xp.broadcast_to(ones, tuple(data.shape[:-1]))
    return cast(in_library_of(data, padding_mask(layout, given)), dtype)
