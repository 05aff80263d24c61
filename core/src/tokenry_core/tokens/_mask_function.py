"""The attention mask as a function of indices: for sequences too long for an array."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from ._backend import Array, constant
from ._independence import Independence, Match, pair_rules
from ._layout import Layout, Slot
from ._masks import layout_of

MaskFunction: TypeAlias = Callable[[Any, Any, Any, Any], Any]
"""Says for (batch, head, query index, key index) whether the query may attend to the key."""

_DENY, _ALLOW, _MATCH = 0, 1, 2


def build_mask_function(
    query_slices: Mapping[str, Mapping[str, Any]],
    key_slices: Mapping[str, Mapping[str, Any]],
    independence: Independence | Mapping[str, Any] | None,
    like: Array = None,
) -> MaskFunction:
    """Give the mask as a function, the `mask_mod` of torch's flex attention.

    Its memory grows with the number of tokens, not with its square. `like` is an array whose
    library and device the function's tables take; the indices may be arrays that broadcast.

    >>> slices = {"a": {"offset": 0, "event_shape": (3,)}, "b": {"offset": 3, "event_shape": (3,)}}
    >>> allowed = build_mask_function(slices, slices, {"cross_local": [("a", "b", None)]})
    >>> allowed(0, 0, np.arange(3), np.array([3, 3, 5]))
    array([ True, False,  True])
    """
    query, key = layout_of(query_slices), layout_of(key_slices)
    return mask_function(query, key, Independence.of(independence), like)


def mask_function(
    query: Layout,
    key: Layout,
    independence: Independence,
    like: Array = None,
    valid: Array | None = None,
) -> MaskFunction:
    """Give the function; `valid`, (batch, n_keys), also forbids padded key tokens."""
    rules = _rules(query, key, independence)
    states = np.full((len(query.keys), len(key.keys)), _ALLOW, np.int32)
    for (a, b), matches in rules.items():
        states[query.places[a], key.places[b]] = _MATCH if matches else _DENY
    ways = max((len(matches) for matches in rules.values()), default=0)
    tables = [_dimensions(query, key, rules, way) for way in range(ways)]

    def give(array: np.ndarray[Any, Any]) -> Array:
        return array if like is None else constant(array, like)

    key_of_query, key_of_key = give(_key_numbers(query)), give(_key_numbers(key))
    query_places, key_places = give(_coordinates(query)), give(_coordinates(key))
    state_table = give(states)
    way_tables = [(give(of_query), give(of_key)) for of_query, of_key in tables]

    def allowed(batch: Any, head: Any, query_index: Any, key_index: Any) -> Any:
        a, b = key_of_query[query_index], key_of_key[key_index]
        state = state_table[a, b]
        result = state == _ALLOW
        for of_query, of_key in way_tables:
            same = query_places[of_query[a, b], query_index] == key_places[of_key[a, b], key_index]
            result = result | ((state == _MATCH) & same)
        return result if valid is None else result & valid[batch, key_index]

    return allowed


def _rules(
    query: Layout, key: Layout, independence: Independence
) -> dict[tuple[str, str], tuple[Match, ...]]:
    shapes = {**key.event_shapes, **query.event_shapes}
    rules = pair_rules(shapes, independence)
    return {
        (a, b): matches for (a, b), matches in rules.items() if a in query.keys and b in key.keys
    }


def _dimensions(
    query: Layout, key: Layout, rules: Mapping[tuple[str, str], tuple[Match, ...]], way: int
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Give, per pair of keys, the row of the coordinate tables that this way of matching reads."""
    of_query = np.zeros((len(query.keys), len(key.keys)), np.int32)
    of_key = np.zeros_like(of_query)
    for (a, b), matches in rules.items():
        if matches:
            i, j = matches[min(way, len(matches) - 1)]
            cell = query.places[a], key.places[b]
            of_query[cell] = 0 if i is None else i + 1
            of_key[cell] = 0 if j is None else j + 1
    return of_query, of_key


def _key_numbers(layout: Layout) -> np.ndarray[Any, Any]:
    sizes = [slot.size for slot in layout.slots]
    return np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)


def _coordinates(layout: Layout) -> np.ndarray[Any, Any]:
    """Give each token's place in its key (row 0) and along event dimension i (row i + 1)."""
    deepest = max((len(slot.event_shape) for slot in layout.slots), default=0)
    table = np.zeros((deepest + 1, layout.n_tokens), np.int32)
    for slot in layout.slots:
        for dimension in (None, *range(len(slot.event_shape))):
            row = 0 if dimension is None else dimension + 1
            table[row, slot.offset : slot.stop] = coordinate(slot, dimension)
    return table


def coordinate(slot: Slot, dimension: int | None) -> np.ndarray[Any, Any]:
    """Give each token's index along an event dimension, or its place in the key for None."""
    places = np.arange(slot.size, dtype=np.int32)
    if dimension is None:
        return places
    after = int(np.prod(slot.event_shape[dimension + 1 :], dtype=np.int64))
    return places // max(after, 1) % max(slot.event_shape[dimension], 1)
