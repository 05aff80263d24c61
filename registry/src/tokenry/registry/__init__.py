"""The five registries: tokenizers, sources, models, sinks and engines, by name."""

from ._load import load
from ._plugins import PluginRegistry, engines, models, registries, sinks, sources, tokenizers

__all__ = [
    "PluginRegistry",
    "engines",
    "load",
    "models",
    "registries",
    "sinks",
    "sources",
    "tokenizers",
]
