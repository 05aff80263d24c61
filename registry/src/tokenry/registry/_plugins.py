"""Lookup by name with configuration: make, describe and list what plugins provide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tokenry_core._registry import Registry
from tokenry_core.errors import ConfigError

if TYPE_CHECKING:
    from ._describe import Description

__all__ = ["PluginRegistry", "engines", "models", "registries", "sinks", "sources", "tokenizers"]


class PluginRegistry(Registry[Any]):
    """A read-only mapping from name to class, which also makes and describes instances.

    >>> from tokenry import sources
    >>> "parquet" in sources
    True
    >>> sources.create("parquet", path="catalog/*.parquet").config.path
    'catalog/*.parquet'
    """

    def create(self, name: str, /, **config: Any) -> Any:
        """Give an instance of `name` with this configuration, strictly checked."""
        return self.from_config({"name": name, **config})

    def from_config(self, config: Mapping[str, Any], path: str = "") -> Any:
        """Give the instance that `{"name": ..., **options}` asks for.

        `path` is where the mapping stands in a file, for the message of an error.
        """
        cls, checked = self.checked(config, path)
        # A class without a Config takes keywords, and may raise whatever it likes.
        return cls(**checked) if isinstance(checked, Mapping) else cls(checked)

    def checked(self, config: Mapping[str, Any], path: str = "") -> tuple[Any, Any]:
        """Give the class that is asked for and its configuration, checked but not yet used."""
        from tokenry_core._config import build_config
        from tokenry_core._words import join, placed

        where = f"{path}: " if path else ""
        if not isinstance(config, Mapping) or not isinstance(config.get("name"), str):
            raise ConfigError(
                f"{where}{config!r:.60} was given; allowed is a mapping with a name, one of:"
                f" {', '.join(self)}"
            )
        options = {key: value for key, value in config.items() if key != "name"}
        with placed(join(path, "name") if path else ""):
            cls = self[config["name"]]
        if not hasattr(cls, "Config"):
            return cls, options
        return cls, build_config(cls.Config, options, path)

    def describe(self, name: str) -> Description:
        """Give what a name stands for: its distribution, summary and options. Imports it."""
        from ._describe import describe

        return describe(self, name)


tokenizers = PluginRegistry("tokenry.tokenizers")
sources = PluginRegistry("tokenry.sources")
models = PluginRegistry("tokenry.models")
sinks = PluginRegistry("tokenry.sinks")
engines = PluginRegistry("tokenry.engines")

registries: Mapping[str, PluginRegistry] = {
    "tokenizers": tokenizers,
    "sources": sources,
    "models": models,
    "sinks": sinks,
    "engines": engines,
}
