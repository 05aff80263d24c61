"""What a failing check says: the promise, what was found instead, and where to read about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from tokenry_core.errors import TokenryError

__all__ = ["BrokenPromise", "broken", "expect", "promised", "raises"]


class BrokenPromise(TokenryError, AssertionError):
    """An implementation does not keep a promise of its contract."""


def broken(promise: str, found: str, read: str) -> NoReturn:
    """Report a broken promise; `read` names the public object whose docstring makes it."""
    raise _message(promise, found, read)


def expect(kept: object, promise: str, found: str, read: str) -> None:
    """Report a broken promise unless it was kept."""
    if not kept:
        broken(promise, found, read)


@contextmanager
def promised(promise: str, read: str) -> Iterator[None]:
    """Turn any exception of the body into a broken promise."""
    try:
        yield
    except BrokenPromise:
        raise
    except Exception as error:
        raise _message(promise, named(error), read) from error


@contextmanager
def raises(
    kind: type[Exception], promise: str, read: str, naming: Sequence[str] = ()
) -> Iterator[None]:
    """Expect an error of this kind whose message holds one of the names."""
    try:
        yield
    except BrokenPromise:
        raise
    except kind as error:
        text = str(error)
        known = not naming or any(mentions(text, name) for name in naming)
        expect(known, promise, f"{kind.__name__} that names none of {list(naming)}: {text}", read)
    except Exception as error:
        found = f"{named(error)} (instead of {kind.__name__})"
        raise _message(promise, found, read) from error
    else:
        broken(promise, f"no error at all (instead of {kind.__name__})", read)


def mentions(text: str, name: str) -> bool:
    """Whether a text holds a name as a word of its own."""
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def shown(value: object, width: int = 120) -> str:
    """Give a value's repr, cut to one line."""
    text = " ".join(repr(value).split())
    return text if len(text) <= width else f"{text[: width - 1]}…"


def named(error: Exception) -> str:
    """Give an error's type and message in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _message(promise: str, found: str, read: str) -> BrokenPromise:
    return BrokenPromise(
        f"\n  promised: {promise}\n  found:    {found}\n  read:     pydoc tokenry_core.{read}"
    )
