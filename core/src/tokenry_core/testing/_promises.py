"""What a failing check says: the promise, what was found instead, and where to read about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from tokenry_core.errors import TokenryError

__all__ = ["BrokenPromise", "broken", "expect", "promised", "raises"]


class BrokenPromise(TokenryError, AssertionError):
    """An implementation does not keep a promise of its contract."""


def broken(promise: str, found: str, read: str) -> NoReturn:
    """Report a broken promise; `read` names the public object whose docstring makes it."""
    raise BrokenPromise(
        f"\n  promised: {promise}\n  found:    {found}\n  read:     pydoc tokenry_core.{read}"
    )


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
        raise BrokenPromise(
            f"\n  promised: {promise}\n  found:    {type(error).__name__}: {error}"
            f"\n  read:     pydoc tokenry_core.{read}"
        ) from error


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
        named = not naming or any(name in text for name in naming)
        expect(named, promise, f"{kind.__name__} that names none of {list(naming)}: {text}", read)
    except Exception as error:
        raise BrokenPromise(
            f"\n  promised: {promise}\n  found:    {type(error).__name__}: {error}"
            f" (instead of {kind.__name__})\n  read:     pydoc tokenry_core.{read}"
        ) from error
    else:
        broken(promise, f"no error at all (instead of {kind.__name__})", read)


def shown(value: object, width: int = 120) -> str:
    """Give a value's repr, cut to one line."""
    text = " ".join(repr(value).split())
    return text if len(text) <= width else f"{text[: width - 1]}…"
