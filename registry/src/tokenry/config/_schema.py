"""JSON Schema of a run file, from the same dataclasses that check it, for editors."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin

from tokenry_core._config import config_fields, plain
from tokenry_core.errors import TokenryError

from ..registry import PluginRegistry, engines, sinks, sources, tokenizers
from ._run import RunFile, TrainingConfig

__all__ = ["config_schema", "run_schema"]

_SCALARS: Mapping[Any, Mapping[str, Any]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    type(None): {"type": "null"},
}
_BOUNDS = {
    "gt": "exclusiveMinimum",
    "ge": "minimum",
    "lt": "exclusiveMaximum",
    "le": "maximum",
    "multiple_of": "multipleOf",
}


def run_schema() -> dict[str, Any]:
    """Give the schema of a whole run file, with the options of every installed plugin."""
    schema = config_schema(RunFile)
    properties = schema["properties"]
    where = {
        "where": {"type": ["string", "null"], "description": 'a filter of rows, like "mag_r < 22"'}
    }
    source = _choice(sources, where)
    properties["source"] = {"anyOf": [{"type": "null"}, source]}
    properties["training"] = config_schema(TrainingConfig)
    properties["training"]["properties"]["source"] = {"anyOf": [{"type": "null"}, source]}
    properties["sink"] = _choice(sinks)
    properties["engine"] = {"anyOf": [{"enum": list(engines)}, _choice(engines)]}
    artifact = {
        "type": "object",
        "properties": {"artifact": {"type": "string"}},
        "required": ["artifact"],
        "additionalProperties": False,
    }
    by_key = {
        name: {"anyOf": [artifact, _choice(tokenizers), member]}
        for name, member in _members(tokenizers, named=False).items()
    }
    properties["tokenizers"] = {
        "type": "object",
        "minProperties": 1,
        "description": properties["tokenizers"].get("description", ""),
        "properties": by_key,
        "additionalProperties": {"anyOf": [artifact, _choice(tokenizers)]},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tokenry run file",
        **schema,
    }


def config_schema(cls: type) -> dict[str, Any]:
    """Give the schema of one configuration class."""
    hints = config_fields(cls)
    properties: dict[str, Any] = {}
    required = []
    for field in dataclasses.fields(cls):
        if field.name not in hints:
            continue
        schema = dict(_schema(hints[field.name]))
        if field.metadata.get("doc"):
            schema["description"] = field.metadata["doc"]
        if field.default is not dataclasses.MISSING:
            schema["default"] = plain(field.default)
        elif field.default_factory is dataclasses.MISSING:
            required.append(field.name)
        properties[field.name] = schema
    out: dict[str, Any] = {"type": "object", "properties": properties}
    out["additionalProperties"] = False
    return {**out, "required": required} if required else out


def _choice(registry: PluginRegistry, extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"anyOf": list(_members(registry, named=True, extra=extra or {}).values())}


def _members(
    registry: PluginRegistry, *, named: bool, extra: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    out: dict[str, Any] = {}
    found: dict[str, Any]
    for name in registry:
        try:
            cls = registry[name]
        except TokenryError:
            continue  # a broken plugin completes nothing; `tokenry doctor` says why
        found = config_schema(cls.Config) if hasattr(cls, "Config") else {"type": "object"}
        properties: dict[str, Any] = dict(found.get("properties", {}))
        properties.update(extra or {})
        required = list(found.get("required", []))
        if named:
            properties = {"name": {"const": name}, **properties}
            required.insert(0, "name")
        out[name] = {**found, "properties": properties, "required": required}
    return out


def _schema(hint: Any) -> Mapping[str, Any]:
    origin, args = get_origin(hint), get_args(hint)
    if origin is typing.Annotated:
        return {**_schema(args[0]), **_bounds(args[0], args[1:])}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(arg) for arg in args]}
    if origin is Literal:
        return {"enum": list(args)}
    if origin is tuple and args[-1] is Ellipsis:
        return {"type": "array", "items": _schema(args[0])}
    if origin is tuple:
        size = len(args)
        items = [_schema(arg) for arg in args]
        return {"type": "array", "prefixItems": items, "minItems": size, "maxItems": size}
    if origin in (dict, Mapping):
        return {"type": "object", "additionalProperties": _schema(args[1])}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return config_schema(hint)
    return _SCALARS.get(hint, {})


def _bounds(hint: Any, bounds: tuple[Any, ...]) -> dict[str, Any]:
    noun = "Length" if hint is str else "Items"
    names = {**_BOUNDS, "min_length": f"min{noun}", "max_length": f"max{noun}"}
    found = [(names[n], getattr(b, n, None)) for b in bounds for n in names]
    return {name: limit for name, limit in found if limit is not None}
