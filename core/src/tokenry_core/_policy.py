"""Which plugins are blocked, and which distribution a disputed name means."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from ._discovery import Entry, normalized, rediscover

__all__ = ["blocked_by", "chosen", "configure_plugins"]

VARIABLE = "TOKENRY_DISABLE_PLUGINS"
_disabled: frozenset[str] = frozenset()
_choices: dict[str, str] = {}


def configure_plugins(disable: Iterable[str] = (), choose: Mapping[str, str] | None = None) -> None:
    """Block plugins, and say which distribution a name that several claim stands for.

    `disable` names distributions or entries (`*`: all that are not part of Tokenry); `choose` maps
    a name to a distribution (a family by what stands before the slash). What was configured
    before is forgotten; what was loaded before is looked up anew.
    """
    global _disabled, _choices
    _disabled = frozenset([disable] if isinstance(disable, str) else disable)
    _choices = {name.removesuffix("/*"): normalized(to) for name, to in (choose or {}).items()}
    rediscover(path=False)


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
    """Give the distribution that the configuration chose for a name or family."""
    return _choices.get(name.removesuffix("/*"))


def _matches(entry: Entry, names: frozenset[str]) -> bool:
    if not names:
        return False
    if "*" in names and not is_ours(entry.distribution):
        return True
    claimed = {entry.name, entry.name.removesuffix("/*")}
    return not names.isdisjoint(claimed) or entry.distribution in map(normalized, names)


def is_ours(distribution: str) -> bool:
    """Whether a distribution is part of Tokenry."""
    from ._known import OURS

    return distribution in OURS
