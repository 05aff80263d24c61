"""The test kit: subclass one class, give one fixture, and every promise is checked.

>>> import pytest
>>> from tokenry_core.testing import TokenizerCase, TokenizerTests
>>> class TestMine(TokenizerTests):
...     @pytest.fixture
...     def case(self):
...         return TokenizerCase(tokenizer=..., rows={"id": [1, 2], "g": [0.5, 0.7]})
"""

try:
    import pytest
except ImportError as error:
    raise ImportError(
        "tokenry_core.testing needs pytest, which is not installed:"
        ' pip install "tokenry-core[testing]"'
    ) from error

from ._engine import EngineCase, EngineTests
from ._model import ModelCase, ModelTests
from ._promises import BrokenPromise
from ._sink import SinkCase, SinkTests, sample_batches
from ._source import DataSourceTests, SourceCase
from ._tokenizer import TokenizerTests
from ._tokenizer_case import TokenizerCase

del pytest

__all__ = [
    "BrokenPromise",
    "DataSourceTests",
    "EngineCase",
    "EngineTests",
    "ModelCase",
    "ModelTests",
    "SinkCase",
    "SinkTests",
    "SourceCase",
    "TokenizerCase",
    "TokenizerTests",
    "sample_batches",
]
