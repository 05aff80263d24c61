"""Time contenders in turn and print one table that a person and a program can read."""

from __future__ import annotations

import gc
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


def contend(
    contenders: Mapping[str, Callable[[], Any]], repeats: int = 5, warmup: int = 1
) -> dict[str, float]:
    """Give each contender's median seconds, run a b c a b c so that drift hits all alike."""
    for run in contenders.values():
        for _ in range(warmup):
            run()
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(repeats):
        for name, run in contenders.items():
            gc.collect()
            start = time.perf_counter()
            result = run()
            seconds[name].append(time.perf_counter() - start)
            del result
    return {name: statistics.median(values) for name, values in seconds.items()}


@dataclass(frozen=True)
class Row:
    """One comparison: `ratio` is how many times faster ours is than the peer."""

    job: str
    ours: str
    seconds: float
    peer: str
    peer_seconds: float
    target: str = ""
    checked: bool = True

    @property
    def ratio(self) -> float:
        """Seconds of the peer over ours."""
        return self.peer_seconds / self.seconds


def report(benchmark: str, rows: Sequence[Row]) -> None:
    """Print the comparisons as a table, then as one line of JSON."""
    print(f"\n{benchmark}")
    print(f"{'job':44s} {'ours':>10s} {'peer':>10s} {'ratio':>8s}  {'target':18s} against")
    for row in rows:
        print(
            f"{row.job:44s} {_duration(row.seconds):>10s} {_duration(row.peer_seconds):>10s}"
            f" {row.ratio:7.2f}x  {row.target:18s} {row.peer}"
        )
    records = [asdict(row) | {"ratio": row.ratio} for row in rows]
    print(json.dumps({"benchmark": benchmark, "rows": records}), flush=True)


def _duration(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1e3:.2f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.1f} us"
