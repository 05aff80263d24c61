"""Which blocks of a long attention mask are empty, full, or in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._backend import static_int
from ._independence import Independence, Match, pair_rules
from ._layout import Layout, Slot
from ._mask_function import MaskFunction, coordinate
from ._masks import layout_of

_VALUES_AT_ONCE = 2048

EMPTY, PARTIAL, FULL = 0, 1, 2


@dataclass(frozen=True, eq=False)
class BlockSummary:
    """How many (query, key) pairs each block allows: `allowed`, (query blocks, key blocks).

    >>> slices = {"a": {"offset": 0, "event_shape": (4,)}}
    >>> build_block_summary(slices, slices, {"cross_local": [("a", "a", None)]}, 2).kinds
    array([[1, 0],
           [0, 1]], dtype=int8)
    """

    allowed: np.ndarray[Any, Any]
    block_size: int
    n_queries: int
    n_keys: int

    @property
    def kinds(self) -> np.ndarray[Any, Any]:
        """0 where a block allows nothing, 2 where it allows every pair, 1 in between; int8."""
        rows, columns = (self._sizes(n) for n in (self.n_queries, self.n_keys))
        full = self.allowed == np.outer(rows, columns)
        return np.where(self.allowed == 0, EMPTY, np.where(full, FULL, PARTIAL)).astype(np.int8)

    @property
    def density(self) -> float:
        """Share of all pairs that are allowed."""
        return float(self.allowed.sum()) / max(self.n_queries * self.n_keys, 1)

    def flex_block_mask(self, mask_function: MaskFunction, device: str = "cpu") -> Any:
        """Give torch's `BlockMask` for flex attention, without building the whole mask."""
        import torch
        from torch.nn.attention.flex_attention import BlockMask

        # A ragged last block is left to the mask function: torch counts full blocks as whole.
        kinds = self.kinds.copy()
        for axis, n in ((0, self.n_queries), (1, self.n_keys)):
            if n % self.block_size:
                last = (-1, slice(None)) if axis == 0 else (slice(None), -1)
                kinds[last] = np.minimum(kinds[last], PARTIAL)
        numbers, places = [], []
        for kind in (PARTIAL, FULL):
            chosen = torch.from_numpy(kinds == kind).to(device)
            order = chosen.int().argsort(dim=-1, descending=True, stable=True).int()
            numbers.append(chosen.sum(-1).int()[None, None])
            places.append(order[None, None])
        return BlockMask.from_kv_blocks(
            numbers[0],
            places[0],
            numbers[1],
            places[1],
            BLOCK_SIZE=self.block_size,
            mask_mod=mask_function,
            seq_lengths=(self.n_queries, self.n_keys),
        )

    def _sizes(self, n: int) -> np.ndarray[Any, Any]:
        starts = np.arange(0, n, self.block_size)
        return np.minimum(starts + self.block_size, n) - starts


def build_block_summary(
    query_slices: Mapping[str, Mapping[str, Any]],
    key_slices: Mapping[str, Mapping[str, Any]],
    independence: Independence | Mapping[str, Any] | None,
    block_size: int = 128,
) -> BlockSummary:
    """Count what each block of the mask allows, without building the mask."""
    query, key = layout_of(query_slices), layout_of(key_slices)
    return block_summary(query, key, Independence.of(independence), block_size)


def block_summary(
    query: Layout, key: Layout, independence: Independence, block_size: int = 128
) -> BlockSummary:
    """Add up the counts of each pair of keys."""
    block = max(static_int(block_size, "block_size"), 1)
    shapes = {**key.event_shapes, **query.event_shapes}
    rules = pair_rules(shapes, independence)
    rows = {k: _overlap(s, query.n_tokens, block) for k, s in _items(query)}
    columns = {k: _overlap(s, key.n_tokens, block) for k, s in _items(key)}
    total = np.zeros((-(-query.n_tokens // block), -(-key.n_tokens // block)), np.int64)
    for a, slot_a in _items(query):
        for b, slot_b in _items(key):
            matches = rules.get((a, b))
            if matches is None:
                total += np.outer(rows[a], columns[b])
            elif matches:
                _add_matches(total, slot_a, slot_b, matches, block)
    return BlockSummary(total, block, query.n_tokens, key.n_tokens)


def _items(layout: Layout) -> Any:
    return zip(layout.keys, layout.slots, strict=True)


def _overlap(slot: Slot, n_tokens: int, block: int) -> np.ndarray[Any, Any]:
    starts = np.arange(0, n_tokens, block)
    ends = np.minimum(starts + block, slot.stop)
    inside: np.ndarray[Any, Any] = np.maximum(ends - np.maximum(starts, slot.offset), 0)
    return inside


def _add_matches(
    total: np.ndarray[Any, Any], a: Slot, b: Slot, matches: tuple[Match, ...], block: int
) -> None:
    codes = [(coordinate(a, i), coordinate(b, j)) for i, j in matches]
    for code_a, code_b in codes:
        _add_equal(total, code_a, code_b, a.offset, b.offset, block, 1)
    if len(codes) == 2:  # either may match: take back the pairs in which both do
        size = int(max(codes[0][1].max(initial=0), codes[1][1].max(initial=0))) + 1
        both_a = codes[0][0].astype(np.int64) * size + codes[1][0]
        both_b = codes[0][1].astype(np.int64) * size + codes[1][1]
        _add_equal(total, both_a, both_b, a.offset, b.offset, block, -1)


def _add_equal(
    total: np.ndarray[Any, Any], code_a: Any, code_b: Any, a: int, b: int, block: int, sign: int
) -> None:
    """Add, per block, the number of pairs with equal codes: a product of two histograms.

    A few thousand codes are taken at a time, over the blocks in which they occur; so a diagonal
    costs as much as its own blocks and a whole product stays one matrix multiplication.
    """
    order_a, order_b = np.argsort(code_a, kind="stable"), np.argsort(code_b, kind="stable")
    sorted_a, sorted_b = code_a[order_a], code_b[order_b]
    highest = int(sorted_a[-1]) if len(sorted_a) else -1
    for low in range(0, highest + 1, _VALUES_AT_ONCE):
        limits = (low, min(low + _VALUES_AT_ONCE, highest + 1))
        first_a, counts_a = _histogram(sorted_a, order_a, limits, a, block)
        first_b, counts_b = _histogram(sorted_b, order_b, limits, b, block)
        pairs = (counts_a @ counts_b.T).astype(np.int64)
        rows, columns = pairs.shape
        total[first_a : first_a + rows, first_b : first_b + columns] += sign * pairs


def _histogram(
    codes: Any, order: Any, limits: tuple[int, int], offset: int, block: int
) -> tuple[int, np.ndarray[Any, Any]]:
    start, stop = np.searchsorted(codes, limits)
    width = limits[1] - limits[0]
    blocks = (order[start:stop] + offset) // block
    if not len(blocks):
        return 0, np.zeros((0, width), np.float32)
    first = int(blocks.min())
    n_blocks = int(blocks.max()) - first + 1
    cells = (blocks - first) * width + (codes[start:stop] - limits[0])
    counts = np.bincount(cells, minlength=n_blocks * width)
    return first, counts.reshape(n_blocks, width).astype(np.float32)
