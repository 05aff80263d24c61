"""What values, types and places are called in the messages of configurations."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, Union, get_args, get_origin

from .errors import ConfigError, TokenryError

__all__ = [
    "SCALARS",
    "allowed",
    "at",
    "join",
    "placed",
    "refuse",
    "short",
    "shown",
    "within",
]

SCALARS: dict[Any, str] = {
    Any: "anything",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
    type(None): "null",
    None: "null",
}


# (attribute of the annotated-types class, test, words)
_BOUNDS: tuple[tuple[str, Any, str], ...] = (
    ("gt", lambda value, bound: value > bound, "above {}"),
    ("ge", lambda value, bound: value >= bound, "of at least {}"),
    ("lt", lambda value, bound: value < bound, "below {}"),
    ("le", lambda value, bound: value <= bound, "of at most {}"),
    ("multiple_of", lambda value, bound: value % bound == 0, "that is a multiple of {}"),
    ("min_length", lambda value, bound: len(value) >= bound, "with at least {} entries"),
    ("max_length", lambda value, bound: len(value) <= bound, "with at most {} entries"),
)
_NO_LENGTH = ("with at least {} entries", 0)  # what Len says where there is no bound


def allowed(hint: Any) -> str:
    """Say in words what a type allows.

    >>> allowed(tuple[str, ...])
    'a list of (a string)'
    """
    origin, args = get_origin(hint), get_args(hint)
    if origin is typing.Annotated:
        bounds = [text for text in map(_bound_text, args[1:]) if text]
        return " ".join([allowed(args[0]), *([" and ".join(bounds)] if bounds else [])])
    if origin in (Union, types.UnionType):
        return " or ".join(allowed(arg) for arg in args)
    if origin is Literal:
        return "one of " + ", ".join(json.dumps(arg) for arg in args)
    if origin is tuple:
        if args[-1:] == (Ellipsis,):
            return f"a list of ({allowed(args[0])})"
        return "a list of " + (", ".join(f"({allowed(arg)})" for arg in args) or "nothing")
    if origin in (dict, Mapping):
        return "a mapping"
    if dataclasses.is_dataclass(hint):
        keys = [field.name for field in dataclasses.fields(hint) if field.init]
        return f"a mapping with the keys {', '.join(keys)}"
    return SCALARS.get(hint, getattr(hint, "__name__", str(hint)))


def refuse(value: Any, hint: Any, path: str, extra: str = "") -> ConfigError:
    """Give the error for a value of a wrong type."""
    return ConfigError(
        at(path, f"{shown(value)}; allowed is {allowed(hint)}{extra and '.' + extra}")
    )


def within(value: Any, bounds: tuple[Any, ...]) -> bool:
    """Whether a value keeps its bounds; null keeps them all."""
    return value is None or all(
        test(value, getattr(bound, name))
        for bound in bounds
        for name, test, _ in _BOUNDS
        if getattr(bound, name, None) is not None
    )


def _bound_text(bound: Any) -> str:
    limits = [(words, getattr(bound, name, None)) for name, _, words in _BOUNDS]
    return " and ".join(
        words.format(limit)
        for words, limit in limits
        if limit is not None and (words, limit) != _NO_LENGTH
    )


def shown(value: Any) -> str:
    """Say what was given, and what kind of thing it is."""
    if isinstance(value, str):
        return f"{short(value)} is a string"
    if isinstance(value, Mapping):
        return f"{short(dict(value))} is a mapping"
    if isinstance(value, list | tuple):
        return f"{short(list(value))} is a list"
    return "null was given" if value is None else f"{short(value)} was given"


def short(value: Any) -> str:
    """Show a value as code, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def join(path: str, key: object) -> str:
    """Give the place of a key within a place."""
    return f"{path}.{key}" if path else str(key)


def at(path: str, message: str) -> str:
    """Put the place, where there is one, before a message."""
    return f"{path}: {message}" if path else message


@contextmanager
def placed(path: str) -> Iterator[None]:
    """Put a place before the message of an error from inside, which stays the error that it is.

    >>> with placed("source.path"):
    ...     raise ConfigError("x does not exist")
    Traceback (most recent call last):
    tokenry_core.errors.ConfigError: source.path: x does not exist
    """
    try:
        yield
    except TokenryError as error:
        if error.args and isinstance(error.args[0], str):
            error.args = (at(path, error.args[0]), *error.args[1:])
        raise
