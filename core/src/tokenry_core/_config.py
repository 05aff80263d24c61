"""Configurations: plain data into frozen dataclasses, strictly, with errors that say where.

One engine serves constructors (`ScalarTokenizer(n_bins=512)`), run files and stored artifacts, so
that a mistake reads the same wherever it is made.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import types
import typing
from collections.abc import Mapping, Sequence
from functools import cache
from numbers import Integral, Real
from os import PathLike, fsdecode
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from ._words import SCALARS, allowed, at, join, refuse, short, shown, within
from .errors import ConfigError, TokenryError, nearest

__all__ = ["allowed", "build_config", "canonical_json", "config_fields", "plain", "with_doc"]

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
    hints = config_fields(cls)  # type: ignore[arg-type]
    if not isinstance(given, Mapping):
        raise refuse(given, cls, path)
    for key in given:
        if key not in hints:
            known = ", ".join(hints) or "none"
            where = join(path, key)
            raise ConfigError(
                at(where, f"unknown key; known keys are: {known}.{nearest(key, hints)}")
            )
    values = {key: convert(value, hints[key], join(path, key)) for key, value in given.items()}
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        needed = field.init and field.default is field.default_factory is dataclasses.MISSING
        if needed and field.name not in values:
            raise ConfigError(
                at(join(path, field.name), f"missing; give {allowed(hints[field.name])}")
            )
    try:
        return cls(**values)
    except (ValueError, TokenryError) as error:  # a rule between fields, from __post_init__
        message = _continued(path, str(error), hints)
        if isinstance(error, TokenryError) and not isinstance(error, ValueError):
            error.args = (message, *error.args[1:])
            raise
        raise ConfigError(message) from error


def _continued(path: str, message: str, fields: Mapping[str, Any]) -> str:
    """Put the place before a message, which may begin with a place of its own within it."""
    own = re.match(r"(\w+)[.:\[]", message)
    return join(path, message) if own and own[1] in fields else at(path, message)


@cache
def config_fields(cls: type) -> Mapping[str, Any]:
    """Give the type of each field of a configuration class, bounds included."""
    if not dataclasses.is_dataclass(cls):
        raise ConfigError(f"{cls.__qualname__} is no dataclass; a Config is a frozen dataclass")
    hints = typing.get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls) if field.init}


def convert(value: Any, hint: Any, path: str) -> Any:
    """Give `value` as `hint` asks for it, or raise the error that names `path`."""
    value = _unwrapped(value)
    origin, args = get_origin(hint), get_args(hint)
    if origin is typing.Annotated:
        result = convert(value, args[0], path)
        if not within(result, args[1:]):
            raise refuse(value, hint, path)
        return result
    if hint is Any:
        return value
    if origin in (Union, types.UnionType):
        return _convert_union(value, hint, path)
    if origin is Literal:
        if not any(value == choice and type(value) is type(choice) for choice in args):
            extra = nearest(value, map(str, args)) if isinstance(value, str) else ""
            raise refuse(value, hint, path, extra)
        return value
    if origin is tuple:
        return _convert_tuple(value, hint, path)
    if origin in (dict, Mapping):
        return _convert_mapping(value, hint, path)
    if origin in (list, set, frozenset, Sequence):
        raise ConfigError(at(path, f"a Config cannot hold {hint}; declare tuple[...] instead"))
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return value if isinstance(value, hint) else build_config(hint, value, path)
    return _convert_scalar(value, hint, path)


def plain(config: Any) -> Any:
    """Give a configuration as what JSON can hold: mappings, lists, strings, numbers, None."""
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        fields = dataclasses.fields(config)
        return {f.name: plain(getattr(config, f.name)) for f in fields if f.init}
    if isinstance(config, Mapping):
        return {str(key): plain(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return [plain(value) for value in config]
    if isinstance(config, PathLike):
        return fsdecode(config)
    return _unwrapped(config)


def canonical_json(value: Any) -> str:
    """Give the one JSON text of a value: sorted keys, no spaces, no NaN.

    >>> canonical_json({"b": 1.5, "a": (1, None)})
    '{"a":[1,null],"b":1.5}'
    """
    try:
        return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"{short(value)} cannot be stored as JSON: {error}") from None


def with_doc(doc: str, default: Any = dataclasses.MISSING, **options: Any) -> Any:
    """Make a dataclass field that carries its documentation, for listings and JSON Schema."""
    return dataclasses.field(default=default, metadata={"doc": doc}, **options)


def _convert_scalar(value: Any, hint: Any, path: str) -> Any:
    is_bool = isinstance(value, bool)
    if hint is None or hint is type(None):
        if value is None:
            return None
    elif hint is bool and is_bool:
        return value
    elif hint is int and isinstance(value, Integral) and not is_bool:
        return int(value)
    elif hint is float and isinstance(value, Real) and not is_bool:
        return _finite(value, path)
    elif hint is str and isinstance(value, str | PathLike):
        return str.__str__(fsdecode(value))
    elif hint not in SCALARS and isinstance(hint, type) and isinstance(value, hint):
        return value
    raise refuse(value, hint, path)


def _finite(value: Real, path: str) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ConfigError(at(path, f"{short(value)} is not finite; allowed is a finite number"))
    return number


def _convert_union(value: Any, hint: Any, path: str) -> Any:
    errors: dict[Any, ConfigError] = {}
    # An exact match first, so that `float | int` keeps a whole number whole.
    for arg in sorted(get_args(hint), key=lambda arg: _bare(arg) is not type(value)):
        try:
            return convert(value, arg, path)
        except ConfigError as error:
            errors[arg] = error
    # Where one alternative has the structure of the value, its own error says more.
    if isinstance(value, Mapping | list | tuple):
        own = at(path, shown(value))
        inner = [arg for arg, error in errors.items() if not str(error).startswith(own)]
        closest = sorted(inner, key=lambda arg: _likeness(value, arg), reverse=True)[:2]
        likeness = [_likeness(value, arg) for arg in closest]
        if len(closest) == 1 or (closest and likeness[0] != likeness[1]):
            raise errors[closest[0]]
    raise refuse(value, hint, path)


def _likeness(value: Any, hint: Any) -> tuple[int, int]:
    """Rank how much a mapping looks like a dataclass: by its tags, then by its keys."""
    bare = _bare(hint)
    if not (isinstance(value, Mapping) and dataclasses.is_dataclass(bare)):
        return 0, 0
    hints = config_fields(bare)  # type: ignore[arg-type]
    tags = {key: get_args(_bare(of)) for key, of in hints.items() if get_origin(of) is Literal}
    agreed = sum(1 if value[key] in tags[key] else -1 for key in tags if key in value)
    return agreed, sum(1 if key in hints else -1 for key in value)


def _bare(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is typing.Annotated else hint


def _convert_tuple(value: Any, hint: Any, path: str) -> tuple[Any, ...]:
    args = get_args(hint)
    if not isinstance(value, list | tuple):
        raise refuse(value, hint, path)
    if args[-1:] == (Ellipsis,):
        args = args[:1] * len(value)
    if len(args) != len(value):
        raise refuse(value, hint, path)
    pairs = enumerate(zip(value, args, strict=True))
    return tuple(convert(item, arg, f"{path}[{i}]") for i, (item, arg) in pairs)


def _convert_mapping(value: Any, hint: Any, path: str) -> dict[Any, Any]:
    keys, values = get_args(hint)
    if not isinstance(value, Mapping):
        raise refuse(value, hint, path)
    return {
        convert(k, keys, join(path, k)): convert(v, values, join(path, k)) for k, v in value.items()
    }


def _unwrapped(value: Any) -> Any:
    """Give the Python number or text of a NumPy scalar, without importing NumPy."""
    cls = type(value)
    is_scalar = cls.__module__ == "numpy" and hasattr(value, "item") and value.shape == ()
    return value.item() if is_scalar and cls.__name__ != "ndarray" else value
