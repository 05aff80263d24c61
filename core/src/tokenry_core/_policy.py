"""Which plugins are blocked, and which distribution a disputed name means."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from ._discovery import Entry, normalized

__all__ = ["blocked_by", "chosen", "configure_plugins"]

VARIABLE = "TOKENRY_DISABLE_PLUGINS"
_disabled: frozenset[str] = frozenset()
_choices: dict[str, str] = {}


def configure_plugins(disable: Iterable[str] = (), choose: Mapping[str, str] | None = None) -> None:
    """Block plugins, and say which distribution a name that several claim stands for.

    `disable` names distributions or entries (`*`: all that are not part of Tokenry); `choose` maps
    a name to a distribution. What was configured before is forgotten.
    """
    global _disabled, _choices
    _disabled = frozenset(disable)
    _choices = dict(choose or {})


def blocked_by(entry: Entry) -> str:
    """Say what blocks an entry; empty when nothing does."""
    variable = frozenset(filter(None, map(str.strip, os.environ.get(VARIABLE, "").split(","))))
    for names, source in (
        (variable, f"the environment variable {VARIABLE}"),
        (_disabled, "the configuration"),
    ):
        if _matches(entry, names):
            return source
    return ""


def chosen(name: str) -> str | None:
    """Give the distribution that the configuration chose for a name."""
    choice = _choices.get(name)
    return normalized(choice) if choice is not None else None


def _matches(entry: Entry, names: frozenset[str]) -> bool:
    if not names:
        return False
    if "*" in names and not is_ours(entry.distribution):
        return True
    return entry.name in names or entry.distribution in map(normalized, names)


def is_ours(distribution: str) -> bool:
    """Whether a distribution is part of Tokenry."""
    from ._known import OURS

    return distribution in OURS
