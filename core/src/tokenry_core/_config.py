"""Configurations: plain data into frozen dataclasses, strictly, with errors that say where.

One engine serves constructors (`ScalarTokenizer(n_bins=512)`), run files and stored artifacts, so
that a mistake reads the same wherever it is made.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Iterator, Mapping
from functools import cache
from numbers import Integral, Real
from os import PathLike, fspath
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from .errors import ConfigError, nearest

__all__ = ["build_config", "canonical_json", "config_fields", "plain", "with_doc"]

C = TypeVar("C")


def build_config(cls: type[C], given: Mapping[str, Any], path: str = "") -> C:
    """Make a `cls` from plain data: no key unknown or missing, no value coerced or out of bounds.

    Whole numbers serve as floats and lists as tuples; nothing else is converted. `path` is where
    the data stands in a file, for the message.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Bins:
    ...     n_bins: int = 1024
    >>> build_config(Bins, {"n_bins": 16})
    Bins(n_bins=16)
    >>> build_config(Bins, {"n_bins": "16"}, "tokenizers.catalog")
    Traceback (most recent call last):
    tokenry_core.errors.ConfigError: tokenizers.catalog.n_bins: '16' is a string; allowed is a whole number
    >>> build_config(Bins, {"bins": 16}, "tokenizers.catalog")
    Traceback (most recent call last):
    tokenry_core.errors.ConfigError: tokenizers.catalog.bins: unknown key; known keys are: n_bins. Did you mean "n_bins"?
    """  # noqa: E501
    if not isinstance(given, Mapping):
        raise ConfigError(_at(path, f"{_shown(given)}; allowed is a mapping"))
    hints = config_fields(cls)  # type: ignore[arg-type]
    for key in given:
        if key not in hints:
            known = ", ".join(hints) or "none"
            where = _join(path, key)
            raise ConfigError(
                _at(where, f"unknown key; known keys are: {known}.{nearest(key, hints)}")
            )
    values = {key: convert(value, hints[key], _join(path, key)) for key, value in given.items()}
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        needed = field.default is field.default_factory is dataclasses.MISSING
        if needed and field.name not in values:
            raise ConfigError(
                _at(_join(path, field.name), f"missing; give {allowed(hints[field.name])}")
            )
    try:
        return cls(**values)
    except ConfigError as error:  # a rule between fields, from __post_init__
        raise ConfigError(_at(path, str(error))) from None


@cache
def config_fields(cls: type) -> Mapping[str, Any]:
    """Give the type of each field of a configuration class, bounds included."""
    if not dataclasses.is_dataclass(cls):
        raise ConfigError(f"{cls.__qualname__} is no dataclass; a Config is a frozen dataclass")
    hints = typing.get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls) if field.init}


def convert(value: Any, hint: Any, path: str) -> Any:
    """Give `value` as `hint` asks for it, or raise the error that names `path`."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is typing.Annotated:
        result = convert(value, args[0], path)
        for problem in _out_of_bounds(result, args[1:]):
            raise ConfigError(_at(path, f"{_shown(value)}; allowed is {problem}"))
        return result
    if hint is Any:
        return value
    if origin in (Union, types.UnionType):
        return _convert_union(value, hint, path)
    if origin is Literal:
        if not any(value == choice and type(value) is type(choice) for choice in args):
            extra = nearest(value, map(str, args)) if isinstance(value, str) else ""
            raise _refuse(value, hint, path, extra)
        return value
    if origin is tuple:
        return _convert_tuple(value, hint, path)
    if origin in (dict, Mapping):
        if not isinstance(value, Mapping):
            raise _refuse(value, hint, path)
        return {
            convert(k, args[0], path): convert(v, args[1], _join(path, k)) for k, v in value.items()
        }
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return value if isinstance(value, hint) else build_config(hint, value, path)
    return _convert_scalar(value, hint, path)


def allowed(hint: Any) -> str:
    """Say in words what a type allows.

    >>> allowed(tuple[str, ...])
    'a list of (a string)'
    """
    origin, args = get_origin(hint), get_args(hint)
    if origin is typing.Annotated:
        bounds = [text for text in map(_bound_text, args[1:]) if text]
        return " ".join([allowed(args[0]), *bounds])
    if origin in (Union, types.UnionType):
        return " or ".join(allowed(arg) for arg in args)
    if origin is Literal:
        return "one of " + ", ".join(json.dumps(arg) for arg in args)
    if origin is tuple:
        if args[-1] is Ellipsis:
            return f"a list of ({allowed(args[0])})"
        return "a list of " + ", ".join(f"({allowed(arg)})" for arg in args)
    if origin in (dict, Mapping):
        return "a mapping"
    if dataclasses.is_dataclass(hint):
        return "a mapping with the keys " + ", ".join(config_fields(hint))  # type: ignore[arg-type]
    return _WORDS.get(hint, getattr(hint, "__name__", str(hint)))


def plain(config: Any) -> Any:
    """Give a configuration as what JSON can hold: mappings, lists, strings, numbers, None."""
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        return {f.name: plain(getattr(config, f.name)) for f in dataclasses.fields(config)}
    if isinstance(config, Mapping):
        return {str(key): plain(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return [plain(value) for value in config]
    return config


def canonical_json(value: Any) -> str:
    """Give the one JSON text of a value: sorted keys, no spaces, no NaN.

    >>> canonical_json({"b": 1.5, "a": (1, None)})
    '{"a":[1,null],"b":1.5}'
    """
    return json.dumps(
        plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True
    )


def with_doc(doc: str, default: Any = dataclasses.MISSING, **options: Any) -> Any:
    """Make a dataclass field that carries its documentation, for listings and JSON Schema."""
    return dataclasses.field(default=default, metadata={"doc": doc}, **options)


_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
    type(None): "null",
}


def _convert_scalar(value: Any, hint: Any, path: str) -> Any:
    is_bool = isinstance(value, bool)
    if hint is None or hint is type(None):
        if value is None:
            return None
    elif hint is bool and (is_bool or type(value).__name__ == "bool_"):
        return bool(value)
    elif hint is int and isinstance(value, Integral) and not is_bool:
        return int(value)
    elif hint is float and isinstance(value, Real) and not is_bool:
        if not math.isfinite(value):
            raise ConfigError(_at(path, f"{value} is not finite; allowed is a finite number"))
        return float(value)
    elif hint is str and isinstance(value, str | PathLike):
        return str(fspath(value))
    elif hint not in _WORDS and isinstance(hint, type) and isinstance(value, hint):
        return value
    raise _refuse(value, hint, path)


def _convert_union(value: Any, hint: Any, path: str) -> Any:
    errors: list[ConfigError] = []
    # An exact match first, so that `float | int` keeps a whole number whole.
    for arg in sorted(get_args(hint), key=lambda arg: arg is not type(value)):
        try:
            return convert(value, arg, path)
        except ConfigError as error:
            errors.append(error)
    # Where one alternative has the structure of the value, its own error says more.
    if isinstance(value, Mapping | list | tuple):
        inner = [e for e in errors if not str(e).startswith(f"{path}: {_shown(value)}")]
        if len(inner) == 1:
            raise inner[0]
    raise _refuse(value, hint, path)


def _convert_tuple(value: Any, hint: Any, path: str) -> tuple[Any, ...]:
    args = get_args(hint)
    if not isinstance(value, list | tuple):
        raise _refuse(value, hint, path)
    if args[-1] is Ellipsis:
        args = args[:1] * len(value)
    if len(args) != len(value):
        raise _refuse(value, hint, path)
    pairs = enumerate(zip(value, args, strict=True))
    return tuple(convert(item, arg, f"{path}[{i}]") for i, (item, arg) in pairs)


def _refuse(value: Any, hint: Any, path: str, extra: str = "") -> ConfigError:
    return ConfigError(_at(path, f"{_shown(value)}; allowed is {allowed(hint)}{extra}"))


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


def _out_of_bounds(value: Any, bounds: tuple[Any, ...]) -> Iterator[str]:
    if value is None:
        return
    for bound in bounds:
        for name, test, words in _BOUNDS:
            limit = getattr(bound, name, None)
            if limit is not None and not test(value, limit):
                yield f"a value {words.format(limit)}"


def _bound_text(bound: Any) -> str:
    limits = [(words, getattr(bound, name, None)) for name, _, words in _BOUNDS]
    return " and ".join(words.format(limit) for words, limit in limits if limit)


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f"{value!r} is a string"
    if isinstance(value, Mapping):
        return f"{dict(value)!r:.60} is a mapping"
    if isinstance(value, list | tuple):
        return f"{list(value)!r:.60} is a list"
    return "null was given" if value is None else f"{value!r:.60} was given"


def _join(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)


def _at(path: str, message: str) -> str:
    return f"{path}: {message}" if path else message
