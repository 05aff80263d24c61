"""What a plugin is and which options it takes, from its class."""

from __future__ import annotations

import dataclasses
import inspect
from dataclasses import dataclass
from typing import Any

from tokenry_core._config import allowed, config_fields, plain
from tokenry_core._registry import Registry

__all__ = ["Description", "Option", "describe"]


@dataclass(frozen=True)
class Option:
    """One option: its name, what it allows, its default, and what it means."""

    name: str
    allowed: str
    required: bool
    default: Any
    doc: str


@dataclass(frozen=True)
class Description:
    """What a name of a registry stands for."""

    name: str
    group: str
    distribution: str
    version: str
    object: str
    summary: str
    options: tuple[Option, ...]


def describe(registry: Registry[Any], name: str) -> Description:
    """Give the description of one entry."""
    entry, found = registry.entry(name), registry[name]
    doc = inspect.getdoc(found) or ""
    return Description(
        name=name,
        group=registry.group,
        distribution=entry.distribution,
        version=entry.version,
        object=entry.value,
        summary=doc.partition("\n\n")[0].replace("\n", " "),
        options=options_of(found.Config) if hasattr(found, "Config") else (),
    )


def options_of(config: type) -> tuple[Option, ...]:
    """Give the options of a configuration class, in order."""
    hints = config_fields(config)
    fields = [field for field in dataclasses.fields(config) if field.name in hints]
    return tuple(
        Option(
            name=field.name,
            allowed=allowed(hints[field.name]),
            required=field.default is field.default_factory is dataclasses.MISSING,
            default=_default(field),
            doc=str(field.metadata.get("doc", "")),
        )
        for field in fields
    )


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return plain(field.default_factory())
    return None if field.default is dataclasses.MISSING else plain(field.default)
