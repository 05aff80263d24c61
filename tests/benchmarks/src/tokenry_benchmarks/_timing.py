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


@dataclass(frozen=True)
class Figure:
    """One comparison of something other than time: decibels, MiB, the area under a curve."""

    job: str
    ours: str
    value: float
    peer: str
    peer_value: float
    unit: str
    target: str = ""
    checked: bool = True


def report(benchmark: str, rows: Sequence[Row | Figure]) -> None:
    """Print the comparisons as a table, then as one line of JSON."""
    print(f"\n{benchmark}")
    for row in rows:
        print(f"{row.job:44s} {' '.join(f'{cell:>10s}' for cell in shown(asdict(row)))}", end="")
        print(f"  {row.target:18s} {row.peer}")
    print(json.dumps({"benchmark": benchmark, "rows": [asdict(row) for row in rows]}), flush=True)


def shown(row: Mapping[str, Any]) -> tuple[str, str, str]:
    """Give ours, the peer's, and how they compare, in words that a table can hold.

    >>> shown({"seconds": 0.002, "peer_seconds": 1.5})
    ('2 ms', '1.5 s', '750x')
    >>> shown({"value": 25.4, "peer_value": 25.1, "unit": "dB"})
    ('25.4 dB', '25.1 dB', '+0.3')
    """
    if "unit" in row:
        ours, peer = row["value"], row["peer_value"]
        return f"{ours:.4g} {row['unit']}", f"{peer:.4g} {row['unit']}", f"{ours - peer:+.3g}"
    seconds, peer = row["seconds"], row["peer_seconds"]
    return _duration(seconds), _duration(peer), f"{peer / seconds:.3g}x"


def _duration(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.3g} s"
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} us"
