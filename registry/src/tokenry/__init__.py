"""Tokenry: scientific and multimodal data into tokens for transformers.

`tokenry.tokenizers["scalar"]` finds an implementation by name, `tokenry.load(path)` a trained
tokenizer, `tokenry.train("run.yaml")` and `tokenry.encode("run.yaml")` do everything one file says.
Importing this package imports no plugin and nothing heavy.
"""

from typing import TYPE_CHECKING

from tokenry_core._lazy import lazy_names

if TYPE_CHECKING:
    from .config import load_config as load_config
    from .registry import engines as engines
    from .registry import load as load
    from .registry import models as models
    from .registry import sinks as sinks
    from .registry import sources as sources
    from .registry import tokenizers as tokenizers
    from .runs import encode as encode
    from .runs import open_tokens as open_tokens
    from .runs import train as train

__version__ = "0.1.0"

_HOMES = {
    "load_config": "config",
    "engines": "registry",
    "load": "registry",
    "models": "registry",
    "sinks": "registry",
    "sources": "registry",
    "tokenizers": "registry",
    "encode": "runs",
    "open_tokens": "runs",
    "train": "runs",
}
__getattr__, __all__ = lazy_names(__name__, _HOMES)
