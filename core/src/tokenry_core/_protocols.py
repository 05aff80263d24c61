"""The contracts: what a tokenizer, a source, a sink, a model and an engine have to offer.

Every class here is a protocol: nothing needs to inherit from it. `BaseTokenizer` implements the
conveniences around the tokenizer's part; `tokenry_core.testing` checks that promises are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, TypeVar, runtime_checkable

import numpy as np
import pyarrow as pa

from ._batch import TokenBatch
from ._fields import Array, Spec
from ._versions import CONTRACT

__all__ = [
    "CONTRACT",
    "DataSource",
    "Died",
    "Engine",
    "Family",
    "Fragment",
    "ModelFactory",
    "Panel",
    "Session",
    "Sink",
    "SupportsDecode",
    "SupportsFit",
    "SupportsMerge",
    "SupportsReport",
    "SupportsState",
    "SupportsTraining",
    "Tokenizer",
]

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R")


@runtime_checkable
class Tokenizer(Protocol):
    """Turns rows of a table into tokens.

    `contract` is the version of this contract that the class follows; it is checked on load.
    `encoding` is raised by the author whenever the same state would give other tokens.
    `Config` is a frozen dataclass with every option that changes the tokens.
    """

    name: ClassVar[str]
    contract: ClassVar[int]
    encoding: ClassVar[int]
    Config: ClassVar[type]

    @property
    def spec(self) -> Spec:
        """The fields that `encode` makes; `NotTrained` where training decides them."""
        ...

    def columns(self, schema: pa.Schema) -> Sequence[str]:
        """The columns of `schema` that are read; `MissingColumn` when one is not there."""
        ...

    def encode(self, batch: pa.RecordBatch, /) -> TokenBatch:
        """Every row of the batch, in order; `BadRows` names the rows that cannot be encoded."""
        ...


@runtime_checkable
class SupportsState(Protocol):
    """Has a trained state, which an artifact holds."""

    def state(self) -> Mapping[str, np.ndarray[Any, Any]]:
        """The arrays that training found."""
        ...

    @classmethod
    def restore(cls, config: Any, state: Mapping[str, np.ndarray[Any, Any]]) -> Self:
        """The tokenizer that has this configuration and state."""
        ...


@runtime_checkable
class SupportsMerge(Protocol[S]):
    """Trains by passes over the data, in any number of workers.

    `merge` is associative and commutative, and the order of updates does not matter: the result
    is the same to the last bit however the data was divided.
    """

    def update(self, state: S | None, batch: pa.RecordBatch, keys: Array) -> S:
        """The state after one more batch; None is the state before any. `keys` are uint64."""
        ...

    def merge(self, a: S, b: S) -> S:
        """One state out of two; may reuse the arrays of either."""
        ...

    def finish(self, state: S | None) -> bool:
        """Take a pass's state in use; True asks for one more pass. None: there was no row."""
        ...


@dataclass(frozen=True)
class Session:
    """What a training loop is given: where it runs, and how it talks to its run.

    `event(name, values)` tells how far it is (a step with its loss, a checkpoint); when `stop()`
    is true, it writes a checkpoint and ends.
    """

    seed: int = 0
    workdir: Path | None = None
    device: str = "cpu"
    threads: int | None = None
    event: Callable[[str, Mapping[str, Any]], None] = field(default=lambda name, values: None)
    stop: Callable[[], bool] = field(default=lambda: False)


@runtime_checkable
class SupportsFit(Protocol):
    """Trains by a loop of its own (a network, say)."""

    def fit(self, source: DataSource, session: Session) -> None:
        """Learn from the source; checkpoints go to the session's work directory."""
        ...


@runtime_checkable
class SupportsDecode(Protocol):
    """Can go back from tokens to values."""

    def decode(self, tokens: TokenBatch) -> pa.RecordBatch:
        """A table of the values that the tokens stand for, a row for every row; missing is null.

        A column has the name that it is read by when it holds the same quantity (a report compares
        the two), and another name when it holds something else.
        """
        ...


@dataclass(frozen=True)
class Panel:
    """One picture of a report: a title, a caption, and an SVG or PNG."""

    title: str
    image: bytes
    media_type: str = "image/svg+xml"
    caption: str = ""


@runtime_checkable
class SupportsReport(Protocol):
    """Adds pictures of its own to a run's report."""

    def panels(self, rows: pa.RecordBatch, tokens: TokenBatch) -> Iterable[Panel]:
        """Pictures of a sample of rows and what became of them.

        `rows` has up to 2,000 rows with all columns of the source; `tokens` are of exactly these.
        """
        ...


@runtime_checkable
class Fragment(Protocol):
    """A part of a source that can be read alone: deterministic and picklable.

    `id` is unique within the source; `digest` changes when the content does.
    """

    @property
    def id(self) -> str:
        """Name within the source."""
        ...

    @property
    def digest(self) -> str:
        """Changes when the content does."""
        ...

    def read(self, columns: Sequence[str] | None, rows: int, /) -> Iterator[pa.RecordBatch]:
        """Batches of at most `rows` rows with at least these columns and the id column.

        None reads every column. There is at least one batch, maybe without rows, and every read
        gives the same ones.
        """
        ...


@runtime_checkable
class DataSource(Protocol):
    """Where rows come from."""

    @property
    def schema(self) -> pa.Schema:
        """The columns there are."""
        ...

    def fragments(self) -> Sequence[Fragment]:
        """The parts, in a fixed order; one that cannot be read says so when it is read."""
        ...


@runtime_checkable
class Sink(Protocol):
    """Where tokens go. Files are written under temporary names; the run renames them."""

    def write(
        self, stem: str, batches: Iterable[TokenBatch], provenance: Mapping[str, Any], /
    ) -> Sequence[Path]:
        """Write one fragment's batches; returns the temporary files, `NAME.partial` each.

        `stem` is unique in the run and safe in a file name; there is at least one batch, maybe
        without rows; `provenance` is to be kept with the tokens.
        """
        ...


@dataclass(frozen=True)
class Died:
    """What an engine gives for an item whose worker was lost, again and again: the reason."""

    reason: str = "it kills the process that works on it: a crash, or more memory than there is"


@runtime_checkable
class Engine(Protocol):
    """Runs a task over items, in any order, on as many workers as it has.

    A task may say what it needs: `heavy` (it keeps a model in its worker) and `device`.
    """

    def map(self, task: Callable[[T], R], items: Iterable[T]) -> Iterator[tuple[T, R | Died]]:
        """Pairs of item and result, as they are done; `Died` where the worker was lost.

        An exception of the task itself is raised here: a task that may fail catches what it
        expects.
        """
        ...


@runtime_checkable
class SupportsTraining(Protocol):
    """An engine that also trains where its workers are, so that only what was learned comes back.

    A run trains through `Engine.map`, or in its own process, on an engine without this.
    """

    def reduce(
        self,
        task: Callable[[T], R],
        items: Iterable[T],
        merge: Callable[[R, R], R],
        done: Callable[[T], None],
        /,
    ) -> R | Died:
        """All results merged into one, in any order; `done` hears of each item. There is one."""
        ...

    def fit(self, tokenizer: SupportsFit, source: DataSource, session: Session, /) -> None:
        """Let the tokenizer, in place, learn by its own loop."""
        ...


@runtime_checkable
class ModelFactory(Protocol):
    """Makes a `torch.nn.Module` of a kind: "backbone", "autoencoder", "pair-matching"."""

    kind: str

    def __call__(self, **config: Any) -> Any:
        """The module; backbones have `token_dim` and `num_tokens(height, width)`."""
        ...


@runtime_checkable
class Family(Protocol):
    """A registry entry that stands for many: `timm/NAME` asks the family `timm` for NAME.

    Its entry point is written with a star: `"timm/*" = "package:family"`.
    """

    def member(self, name: str) -> Any:
        """The implementation of that name, or `UnknownName`."""
        ...

    def members(self) -> Iterable[str]:
        """The names there are, for listings and for the nearest match."""
        ...
