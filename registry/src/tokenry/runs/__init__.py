"""Runs: from files to trained tokenizers and token shards."""

from ._encode import encode
from ._engine import LocalConfig, LocalEngine
from ._hooks import hookimpl
from ._manifest import read_manifest
from ._open import TokenFolder, open_tokens
from ._shard import read_shard
from ._summary import EncodeSummary, TrainSummary
from ._train import train

__all__ = [
    "EncodeSummary",
    "LocalConfig",
    "LocalEngine",
    "TokenFolder",
    "TrainSummary",
    "encode",
    "hookimpl",
    "open_tokens",
    "read_manifest",
    "read_shard",
    "train",
]
