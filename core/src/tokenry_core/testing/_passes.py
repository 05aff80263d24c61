"""Training by passes as an engine with many workers may happen to do it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from tokenry_core import SupportsMerge, row_keys

from ._promises import broken

__all__ = ["Plan", "plans", "run_passes"]

_LIMIT = 1000


@dataclass(frozen=True)
class Plan:
    """A division of rows among workers: order and merges come from the seed."""

    seed: int
    workers: int
    batch_rows: int

    def __str__(self) -> str:
        return (
            f"{self.workers} workers, batches of {self.batch_rows} rows, order and merges of"
            f" seed {self.seed}"
        )

    def shares(self, rows: pa.RecordBatch) -> list[list[pa.RecordBatch]]:
        """Give each worker's batches."""
        random = np.random.default_rng(self.seed)
        parts = np.array_split(random.permutation(rows.num_rows), self.workers)
        return [
            [
                rows.take(pa.array(part[start : start + self.batch_rows]))
                for start in range(0, len(part), self.batch_rows)
            ]
            for part in parts
        ]


def plans(rows: int) -> list[Plan]:
    """Give divisions that differ in order, in number of workers and in size of batches."""
    few = max(1, -(-rows // 24))
    return [
        Plan(0, 1, max(1, rows)),
        Plan(1, 2, max(1, rows // 2)),
        Plan(2, 3, max(1, rows // 7)),
        Plan(3, min(5, max(1, rows)), few),
        Plan(4, min(8, max(1, rows)), max(1, rows // 3)),
    ]


def run_passes(
    tokenizer: SupportsMerge[Any],
    shares: Sequence[Sequence[pa.RecordBatch]],
    seed: int,
    travel: Callable[[Any], Any] = lambda state: state,
) -> None:
    """Train: every share by itself, then merge the states two by two in any order.

    `travel` is what happens to tokenizers and states on their way to a worker and back.
    """
    random = np.random.default_rng(seed)
    for _ in range(_LIMIT):
        states = [_share_state(travel(tokenizer), share) for share in shares]
        states = [travel(state) for state in states if state is not None]
        while len(states) > 1:
            i, j = random.choice(len(states), 2, replace=False)
            merged = tokenizer.merge(states[i], states[j])
            states = [s for k, s in enumerate(states) if k not in (i, j)] + [merged]
        if not tokenizer.finish(states[0] if states else None):
            return
    broken("training ends", f"finish asked for more than {_LIMIT} passes", "SupportsMerge.finish")


def _share_state(tokenizer: SupportsMerge[Any], batches: Sequence[pa.RecordBatch]) -> Any:
    state = None
    for batch in batches:
        state = tokenizer.update(state, batch, row_keys(batch))
    return state
