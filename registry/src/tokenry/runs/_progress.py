"""How far a run is: bars on a terminal, plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

__all__ = ["Progress"]

_SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Counts fragments, rows and bytes on stderr: a bar on a terminal, else a line now and then."""

    def __init__(self, title: str, total: int | None, show: bool, unit: str = "fragments") -> None:
        self.title, self.total, self.show, self.unit = title, total, show, unit
        self.done = self.rows = self.bytes = 0
        self._start = self._last = time.monotonic()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        if self.show and sys.stderr.isatty():
            self._open_bar()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, count: int, rows: int, size: int = 0) -> None:
        """Tell that some more is done: of the total, rows of it, and bytes that were written."""
        self.done += count
        self.rows += rows
        self.bytes += size
        if self._bar is not None:
            self._bar.update(self._task, advance=count, rate=self._rate())
        elif self.show and time.monotonic() - self._last > _SECONDS_BETWEEN_LINES:
            self._last = time.monotonic()
            done = self.done if self.total is None else f"{self.done}/{self.total}"
            print(f"{self.title}: {done} {self.unit}, {self._rate()}", file=sys.stderr)

    def note(self, name: str, values: Mapping[str, Any]) -> None:
        """Show what a training loop tells: an event and its numbers."""
        told = ", ".join(
            f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
            for key, value in values.items()
            if isinstance(value, int | float | str)
        )
        if self._bar is not None:
            self._bar.update(self._task, rate=f"{name}: {told}")
        elif self.show and time.monotonic() - self._last > _SECONDS_BETWEEN_LINES:
            self._last = time.monotonic()
            print(f"{self.title}: {name}: {told}", file=sys.stderr)

    def _rate(self) -> str:
        seconds = max(time.monotonic() - self._start, 1e-9)
        written = f", {self.bytes / 1e6:,.1f} MB" if self.bytes else ""
        return f"{self.rows:,} rows, {self.rows / seconds:,.0f} rows/s{written}"

    def _open_bar(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        self._bar = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task = self._bar.add_task(self.title, total=self.total, rate="")
        self._bar.start()
