"""How long a run takes on a cluster, from what is measured on one worker."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tokenry_core.errors import ConfigError

__all__ = ["Estimate", "estimate"]

STARTUP = 10.0  # seconds until the workers have imported what they need
DRIVER = 0.006  # seconds of the driver for a fragment: hand it out, rename, fsync, journal
FRAGMENT = 0.010  # seconds of a worker for a fragment beside its rows: schedule, open, fsync


@dataclass(frozen=True)
class Estimate:
    """What a run takes: seconds, fragments, and what it waits for ("workers" or "driver")."""

    seconds: float
    fragments: int
    limit: str

    def __str__(self) -> str:
        return (
            f"{self.seconds / 3600:.2f} hours for {self.fragments:,} fragments,"
            f" limited by the {self.limit}"
        )


def estimate(
    rows: float,
    workers: int,
    rows_per_second: float,
    *,
    fragment_rows: float = 1e6,
    startup: float = STARTUP,
    driver: float = DRIVER,
    fragment: float = FRAGMENT,
) -> Estimate:
    """Predict a run from the rate of one worker, which a run of some fragments tells.

    Workers work in rounds of one fragment each; the driver takes the fragments one by one:
    startup + max(fragments x driver, rounds x (fragment + fragment_rows / rows_per_second)).

    >>> print(estimate(rows=10e9, workers=64, rows_per_second=1e6))
    0.05 hours for 10,000 fragments, limited by the workers
    """
    if min(rows, workers, rows_per_second, fragment_rows) <= 0:
        raise ConfigError(
            f"rows={rows:g}, workers={workers}, rows_per_second={rows_per_second:g},"
            f" fragment_rows={fragment_rows:g}: each has to be more than 0"
        )
    fragments = math.ceil(rows / fragment_rows)
    rounds = math.ceil(fragments / workers)
    each = fragment + min(fragment_rows, rows) / rows_per_second
    times = {"workers": rounds * each, "driver": fragments * driver}
    limit = max(times, key=lambda who: times[who])
    return Estimate(startup + times[limit], fragments, limit)
