"""What a run did, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ._task import FragmentResult

__all__ = ["EncodeSummary", "TrainSummary", "summarize"]


@dataclass(frozen=True)
class EncodeSummary:
    """What became of the rows. rows_in = rows_out + filtered + quarantined_rows.

    `sink` holds the tokens where it keeps them in memory.
    """

    path: str
    rows_in: int
    rows_out: int
    filtered: int
    quarantined_rows: int
    missing_rows: int
    fragments: int
    quarantined_fragments: int
    finished_before: int
    seconds: float
    counts: Mapping[str, int] = field(default_factory=dict)
    quarantine: tuple[str, ...] = ()
    sink: Any = field(default=None, repr=False, compare=False)

    @property
    def exit_code(self) -> int:
        """1 when anything was quarantined."""
        return int(bool(self.quarantined_rows or self.quarantined_fragments or self.missing_rows))

    def __str__(self) -> str:
        whole = self.seconds and not self.finished_before  # else rows were not read in this time
        rate = f", {self.rows_in / self.seconds:,.0f} rows/s" if whole else ""
        rows = (
            f"{counted(self.rows_out, 'row')} encoded into {self.path} ({self.rows_in:,} read,"
            f" {self.filtered:,} filtered, {self.quarantined_rows:,} quarantined)"
        )
        fragments = (
            f"{counted(self.fragments, 'fragment')} ({self.finished_before:,} finished before,"
            f" {self.quarantined_fragments:,} quarantined) in {self.seconds:.1f} s{rate}"
        )
        lines = [rows, fragments]
        if self.missing_rows:
            lines.append(f"{counted(self.missing_rows, 'row')} missing in some tokenizer's fields")
        lines += [f"  quarantined: {reason}" for reason in self.quarantine]
        return "\n".join(lines)


@dataclass(frozen=True)
class TrainSummary:
    """Which tokenizers were trained, on how much."""

    artifacts: Mapping[str, str]
    fingerprints: Mapping[str, str]
    rows: int
    seconds: float
    quarantine: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """1 when anything was quarantined."""
        return int(bool(self.quarantine))

    def __str__(self) -> str:
        lines = [
            f"{key}: {path}  {self.fingerprints[key][:16]}" for key, path in self.artifacts.items()
        ]
        lines.append(f"trained on {counted(self.rows, 'row')} in {self.seconds:.1f} s")
        lines += [f"  quarantined: {reason}" for reason in self.quarantine]
        return "\n".join(lines)


def counted(number: int, noun: str) -> str:
    """Say how many.

    >>> counted(1, "row"), counted(2000, "row")
    ('1 row', '2,000 rows')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def summarize(
    path: str, results: Iterable[FragmentResult], finished_before: int, seconds: float
) -> EncodeSummary:
    """Add the fragments up."""
    results = list(results)
    counts: Counter[str] = Counter()
    for result in results:
        counts.update(result.counts)
    reasons = [f"{r.fragment}: {r.failed}" for r in results if r.failed]
    reasons += [f"{r.fragment}, row {b.id}: {b.reason}" for r in results for b in r.bad[:3]]
    return EncodeSummary(
        path=path,
        rows_in=sum(r.rows_in for r in results),
        rows_out=sum(r.rows_out for r in results),
        filtered=sum(r.filtered for r in results),
        quarantined_rows=sum(len(r.bad) for r in results),
        missing_rows=sum(len(r.missing) for r in results),
        fragments=len(results),
        quarantined_fragments=sum(bool(r.failed) for r in results),
        finished_before=finished_before,
        seconds=seconds,
        counts=dict(sorted(counts.items())),
        quarantine=tuple(reasons[:10]),
    )
