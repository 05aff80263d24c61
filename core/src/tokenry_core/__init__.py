"""Contracts of Tokenry: what tokenizers, sources, sinks, models and engines promise each other.

Importing this package imports nothing heavy: every name is loaded when it is first used.
"""

from typing import TYPE_CHECKING

from ._lazy import lazy_names

if TYPE_CHECKING:
    from ._artifact import ArtifactHeader as ArtifactHeader
    from ._artifact import fingerprint as fingerprint
    from ._artifact import read_artifact as read_artifact
    from ._artifact import read_header as read_header
    from ._artifact import write_artifact as write_artifact
    from ._atomic import write_atomically as write_atomically
    from ._base import BaseTokenizer as BaseTokenizer
    from ._batch import TokenBatch as TokenBatch
    from ._config import build_config as build_config
    from ._config import canonical_json as canonical_json
    from ._config import config_fields as config_fields
    from ._config import with_doc as with_doc
    from ._discovery import Entry as Entry
    from ._fields import Array as Array
    from ._fields import Field as Field
    from ._fields import FieldSpec as FieldSpec
    from ._fields import Spec as Spec
    from ._fields import token_dtype as token_dtype
    from ._images import Pixels as Pixels
    from ._images import image_kind as image_kind
    from ._images import read_encoded as read_encoded
    from ._images import read_pixels as read_pixels
    from ._images import tensor_column as tensor_column
    from ._load import load as load
    from ._npz import NpzSink as NpzSink
    from ._npz import read_npz as read_npz
    from ._png import png as png
    from ._policy import configure_plugins as configure_plugins
    from ._protocols import DataSource as DataSource
    from ._protocols import Died as Died
    from ._protocols import Engine as Engine
    from ._protocols import Family as Family
    from ._protocols import Fragment as Fragment
    from ._protocols import ModelFactory as ModelFactory
    from ._protocols import Panel as Panel
    from ._protocols import Session as Session
    from ._protocols import Sink as Sink
    from ._protocols import SupportsDecode as SupportsDecode
    from ._protocols import SupportsFit as SupportsFit
    from ._protocols import SupportsMerge as SupportsMerge
    from ._protocols import SupportsReport as SupportsReport
    from ._protocols import SupportsState as SupportsState
    from ._protocols import SupportsTraining as SupportsTraining
    from ._protocols import Tokenizer as Tokenizer
    from ._registry import Registry as Registry
    from ._rows import batch_ids as batch_ids
    from ._rows import file_of as file_of
    from ._rows import mark as mark
    from ._rows import mix as mix
    from ._rows import require as require
    from ._rows import row_keys as row_keys
    from ._runtime import Runtime as Runtime
    from ._sinks import ArrowSink as ArrowSink
    from ._sinks import ParquetSink as ParquetSink
    from ._sinks import read_provenance as read_provenance
    from ._source_arrow import ArrowSource as ArrowSource
    from ._source_arrow import as_table as as_table
    from ._source_jsonl import JsonlSource as JsonlSource
    from ._source_parquet import ParquetSource as ParquetSource
    from ._sources import open_source as open_source
    from ._training import PassTask as PassTask
    from ._training import TrainingData as TrainingData
    from ._training import describe_training as describe_training
    from ._training import train as train
    from ._versions import CONTRACT as CONTRACT
    from .tokens import Independence as Independence
    from .tokens import Tokens as Tokens
    from .tokens import TokenView as TokenView
    from .tokens import Vocabulary as Vocabulary

__version__ = "0.1.0"

_HOMES = {
    "ArtifactHeader": "_artifact",
    "fingerprint": "_artifact",
    "read_artifact": "_artifact",
    "read_header": "_artifact",
    "write_artifact": "_artifact",
    "write_atomically": "_atomic",
    "BaseTokenizer": "_base",
    "Runtime": "_runtime",
    "TokenBatch": "_batch",
    "build_config": "_config",
    "canonical_json": "_config",
    "config_fields": "_config",
    "with_doc": "_config",
    "Entry": "_discovery",
    "Array": "_fields",
    "Field": "_fields",
    "FieldSpec": "_fields",
    "Spec": "_fields",
    "token_dtype": "_fields",
    "Pixels": "_images",
    "image_kind": "_images",
    "read_encoded": "_images",
    "read_pixels": "_images",
    "tensor_column": "_images",
    "ArrowSink": "_sinks",
    "ParquetSink": "_sinks",
    "read_provenance": "_sinks",
    "load": "_load",
    "NpzSink": "_npz",
    "read_npz": "_npz",
    "png": "_png",
    "configure_plugins": "_policy",
    "DataSource": "_protocols",
    "Died": "_protocols",
    "Engine": "_protocols",
    "Family": "_protocols",
    "Fragment": "_protocols",
    "ModelFactory": "_protocols",
    "Panel": "_protocols",
    "Session": "_protocols",
    "Sink": "_protocols",
    "SupportsDecode": "_protocols",
    "SupportsFit": "_protocols",
    "SupportsMerge": "_protocols",
    "SupportsReport": "_protocols",
    "SupportsState": "_protocols",
    "SupportsTraining": "_protocols",
    "Tokenizer": "_protocols",
    "Registry": "_registry",
    "batch_ids": "_rows",
    "file_of": "_rows",
    "mark": "_rows",
    "mix": "_rows",
    "require": "_rows",
    "row_keys": "_rows",
    "ArrowSource": "_source_arrow",
    "as_table": "_source_arrow",
    "JsonlSource": "_source_jsonl",
    "ParquetSource": "_source_parquet",
    "open_source": "_sources",
    "PassTask": "_training",
    "TrainingData": "_training",
    "describe_training": "_training",
    "train": "_training",
    "Independence": "tokens",
    "TokenView": "tokens",
    "Tokens": "tokens",
    "Vocabulary": "tokens",
    "CONTRACT": "_versions",
}
__getattr__, __all__ = lazy_names(__name__, _HOMES)
