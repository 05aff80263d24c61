"""BaseTokenizer: the conveniences around a tokenizer, so that its author writes only its part."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
import pyarrow as pa

from ._ahead import ahead
from ._artifact import ArtifactHeader, fingerprint, read_artifact, write_artifact
from ._batch import TokenBatch
from ._config import build_config, canonical_json, plain
from ._fields import Spec
from ._protocols import DataSource, Session, SupportsFit, SupportsMerge
from ._runtime import Runtime
from ._sources import open_source
from ._training import TrainingData, train
from ._versions import CONTRACT
from .errors import ArtifactError, ConfigError, NotTrained

__all__ = ["BaseTokenizer"]

C = TypeVar("C")
T = TypeVar("T", bound="BaseTokenizer[Any]")
State = Mapping[str, "np.ndarray[Any, Any]"]


class _Load:
    """`load` on the class makes a tokenizer; on an instance it fills that instance."""

    def __get__(self, instance: T | None, owner: type[T]) -> Callable[..., T]:
        def load(path: str | os.PathLike[str], **runtime: Any) -> T:
            """Give the tokenizer that `save` wrote; `runtime` says where it works."""
            if instance is not None and instance.read_foreign(path):
                instance.runtime = build_config(Runtime, runtime, "runtime")
                return instance
            loaded = owner._from_artifact(owner.artifact_path(path), runtime)
            if instance is None:
                return loaded
            instance.__dict__.clear()
            instance.__dict__.update(loaded.__dict__)
            return instance

        return load


class BaseTokenizer(ABC, Generic[C]):
    """A tokenizer's conveniences: options as keywords, train, encode, save and load.

    A subclass gives `name`, `Config`, `spec`, `columns` and `encode_batch`. One that trains also
    gives `update`, `merge` and `finish` (passes over the data) or `fit` (a loop of its own), and
    ends either with `self.adopt(arrays)`; `prepare` may then compute what encoding needs.
    """

    name: ClassVar[str]
    contract: ClassVar[int] = CONTRACT
    encoding: ClassVar[int] = 1
    Config: ClassVar[type]

    config: C
    runtime: Runtime
    training: TrainingData | None

    def __init__(self, config: C | None = None, /, **options: Any) -> None:
        if config is not None and options:
            raise ConfigError("give a Config or keywords, not both")
        if config is not None and not isinstance(config, self.Config):
            raise ConfigError(
                f"a {type(config).__name__} was given; allowed are a {self.Config.__name__}, or"
                " options as keywords"
            )
        self.config = build_config(self.Config, options) if config is None else config
        self.runtime = Runtime()
        self.training = None
        self._state: State | None = None
        self._stored_config: Mapping[str, Any] | None = None

    @property
    @abstractmethod
    def spec(self) -> Spec:
        """The fields that encoding makes; `NotTrained` where training decides them."""

    @abstractmethod
    def columns(self, schema: pa.Schema) -> Sequence[str]:
        """The columns of `schema` that are read; see `tokenry_core.require`."""

    @abstractmethod
    def encode_batch(self, batch: pa.RecordBatch) -> TokenBatch:
        """Tokens of every row, in order; `BadRows` names the rows that cannot be encoded.

        A subclass may take keyword options of its own; `encode` passes them on.
        """

    def prepare(self) -> None:
        """Compute what encoding needs from `self.state()`; called whenever a state is adopted.

        That is at the end of training and after loading, and never before: what `update` or `fit`
        need comes from `self.config`.
        """

    def open(self, data: Any) -> DataSource:
        """Give the source that `data` stands for; override to accept more than tables."""
        return open_source(data)

    @property
    def is_fitted(self) -> bool:
        """Whether encoding is possible: trained, loaded, or in need of no training."""
        return self._state is not None or not isinstance(self, SupportsMerge | SupportsFit)

    def train(self, data: Any, session: Session | None = None) -> Self:
        """Train on paths, a table, a DataFrame or a source; gives the tokenizer itself."""
        self.training = train(self, self.open(data), session)
        return self

    def encode(self, data: Any, **options: Any) -> TokenBatch:
        """Encode a path, table, DataFrame, record batch or source: every row, in order."""
        if not self.is_fitted:
            raise NotTrained(
                f'the tokenizer "{self.name}" is not trained: call train(data), or load an artifact'
            )
        if isinstance(data, pa.RecordBatch):
            self.columns(data.schema)  # says which one is missing, before anything else can
            return self.encode_batch(data, **options)
        source = self.open(data)
        columns = self.columns(source.schema)
        read: Iterable[pa.RecordBatch] = (
            batch
            for fragment in source.fragments()
            for batch in fragment.read(columns, self.runtime.batch_rows)
        )
        if self.spec.heavy:
            read = ahead(read)
        return TokenBatch.concat([self.encode_batch(batch, **options) for batch in read])

    def read_foreign(self, path: str | os.PathLike[str]) -> bool:
        """Take another program's file in use, as the configuration says; False: it is none.

        `load` on an instance asks this first; override it to read more than artifacts.
        """
        return False

    @classmethod
    def artifact_path(cls, path: str | os.PathLike[str]) -> str | os.PathLike[str]:
        """The artifact that `load(path)` means; override it to accept names of older programs."""
        return path

    def adopt(self, state: State) -> None:
        """Take a trained state in use."""
        self._state = {name: np.asarray(array) for name, array in state.items()}
        self._stored_config = None
        self.prepare()

    def state(self) -> State:
        """The arrays that training found."""
        if self._state is None and isinstance(self, SupportsMerge | SupportsFit):
            raise NotTrained(f'the tokenizer "{self.name}" is not trained: there is no state yet')
        return self._state or {}

    @classmethod
    def restore(cls, config: C, state: State, **runtime: Any) -> Self:
        """The tokenizer that has this configuration and state."""
        tokenizer = cls(config)
        tokenizer.runtime = build_config(Runtime, runtime, "runtime")
        if state or not tokenizer.is_fitted:
            tokenizer.adopt(state)
        return tokenizer

    def stored_config(self) -> Mapping[str, Any]:
        """The configuration as an artifact keeps it, and as the fingerprint covers it.

        Override it to leave out what does not decide the tokens: where a file lies, say. What was
        loaded stays as it was: an option that came later must not change an older fingerprint.
        """
        return plain(self.config) if self._stored_config is None else self._stored_config

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of all that decides the tokens."""
        return fingerprint(self.name, self.encoding, self.stored_config(), self.state())

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the artifact: one .safetensors file that holds everything."""
        from ._registry import provider_of

        distribution, version = provider_of(type(self), self.name)
        header = ArtifactHeader(
            plugin=self.name,
            distribution=distribution,
            version=version,
            contract=self.contract,
            encoding=self.encoding,
            config=self.stored_config(),
            vocabulary={f.name: f.codes for f in self.spec.fields if f.kind == "discrete"},
            training=asdict(self.training) if self.training else {},
            fingerprint=self.fingerprint,
        )
        return write_artifact(path, header, self.state())

    load = _Load()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        if self.config != other.config or self.is_fitted != other.is_fitted:
            return False
        return not self.is_fitted or self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash((type(self), canonical_json(self.config)))

    def __repr__(self) -> str:
        fitted = "trained" if self.is_fitted else "not trained"
        return f"{type(self).__name__}({self.config}, {fitted})"

    @classmethod
    def _from_artifact(cls, path: str | os.PathLike[str], runtime: Mapping[str, Any]) -> Self:
        header, state = read_artifact(path)
        check_versions(path, header, cls)
        config: Any = build_config(cls.Config, header.config, f"{os.fspath(path)}: config")
        tokenizer = cls.restore(config, state, **runtime)
        tokenizer._stored_config = header.config
        if header.training:
            tokenizer.training = TrainingData(**header.training)
        return tokenizer


def check_versions(path: Any, header: ArtifactHeader, cls: type[Any]) -> None:
    """Refuse an artifact that this class cannot read as it was meant."""
    where = f"{os.fspath(path)}: "
    if header.plugin != cls.name:
        raise ArtifactError(
            f'{where}it belongs to the plugin "{header.plugin}", not to "{cls.name}":'
            " load it with tokenry.load(path)"
        )
    for what, theirs, ours in (
        ("contract", header.contract, cls.contract),
        ("encoding", header.encoding, cls.encoding),
    ):
        if theirs != ours:
            raise ArtifactError(
                f"{where}it has {what} version {theirs}, and the installed"
                f' "{cls.name}" has {ours}, which would give other tokens: install'
                f" {header.distribution or header.plugin} {header.version}, or train anew"
            )


def with_runtime(tokenizer: T, **runtime: Any) -> T:
    """Give a tokenizer that works elsewhere (another device, say) with the same state."""
    moved = type(tokenizer).restore(
        tokenizer.config, tokenizer.state(), **asdict(replace(tokenizer.runtime, **runtime))
    )
    moved._stored_config = tokenizer._stored_config
    moved.training = tokenizer.training
    return moved
