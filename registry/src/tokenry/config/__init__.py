"""Run files: read, checked strictly, and described as JSON Schema."""

from ._choice import Choice, Section
from ._files import read_file
from ._run import PluginsConfig, RunConfig, RunFile, TrainingConfig, load_config
from ._schema import run_schema
from ._where import Where

__all__ = [
    "Choice",
    "PluginsConfig",
    "RunConfig",
    "RunFile",
    "Section",
    "TrainingConfig",
    "Where",
    "load_config",
    "read_file",
    "run_schema",
]
