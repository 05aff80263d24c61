"""What the kits share: a check is only left out with a reason."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar

from ._promises import BrokenPromise

__all__ = ["Kit"]

_HERE = __name__.rpartition(".")[0]


class Kit:
    """Base of the kits.

    A subclass that replaces a check, or sets it to None, says why in `reasons`; else the class
    is refused:

        class TestMine(TokenizerTests):
            reasons = {"test_row_of_nulls_is_missing": "a row without values still has a position"}
            test_row_of_nulls_is_missing = None
    """

    reasons: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.__module__.startswith(_HERE):
            return
        checks = _checks(cls)
        left_out = {
            name for name, check in checks.items() if inspect.getattr_static(cls, name) is not check
        }
        reasons = _reasons(cls)
        silent = sorted(left_out - {name for name, why in reasons.items() if str(why).strip()})
        if silent:
            raise BrokenPromise(
                f"{cls.__qualname__} leaves out or replaces {', '.join(silent)} without a reason:"
                f' say why, reasons = {{"{silent[0]}": "..."}}, or leave the check as it is'
            )
        stale = sorted(set(reasons) - left_out)
        if stale:
            raise BrokenPromise(
                f"{cls.__qualname__} gives reasons for {', '.join(stale)}, which it neither leaves"
                " out nor replaces: is the name right?"
            )


def _checks(cls: type) -> dict[str, object]:
    """Give the checks that the kits define, the most derived first."""
    found: dict[str, object] = {}
    for base in cls.__mro__:
        if base.__module__.startswith(_HERE):
            for name, check in vars(base).items():
                if name.startswith("test_"):
                    found.setdefault(name, check)
    return found


def _reasons(cls: type) -> dict[str, str]:
    merged: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        merged.update(vars(base).get("reasons", {}))
    return merged
