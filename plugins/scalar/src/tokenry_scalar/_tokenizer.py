"""ScalarTokenizer: quantile bins of catalog columns."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tokenry_core import (
    Array,
    Field,
    FieldSpec,
    Panel,
    Session,
    Spec,
    TokenBatch,
    batch_ids,
    file_of,
    mark,
    mix,
    require,
)
from tokenry_core.compat import NpzNames
from tokenry_core.errors import DataError, NotTrained
from tokenry_scalar._columns import column_floats, is_whole, scalar_columns
from tokenry_scalar._config import ScalarConfig
from tokenry_scalar._floats import Floats
from tokenry_scalar._names import names_of
from tokenry_scalar._threads import thread_count

if TYPE_CHECKING:
    from tokenry_scalar._trained import TrainedColumn

FIELD = "scalar_tokens"


class ScalarTokenizer(NpzNames[ScalarConfig]):
    """Turns numbers into bins of equal population: token k is the k-th 1/n_bins of the values.

    >>> table = pa.table({"id": [1, 2, 3, 4], "mag_r": [15.0, 16.0, 17.0, None]})
    >>> tokenizer = ScalarTokenizer(n_bins=2, scalar_columns=["mag_r"]).train(table)
    >>> result = tokenizer.encode(table)
    >>> result["scalar_tokens"].ravel().tolist(), result["N_BINS"]
    ([0, 1, 1, 2], 2)
    >>> tokenizer.decode(result).column("mag_r").to_pylist()
    [15.5, 16.5, 16.5, None]
    """

    name: ClassVar[str] = "scalar"
    encoding: ClassVar[int] = 1
    Config: ClassVar[type] = ScalarConfig

    _learning: list[Any] | None = None

    @property
    def spec(self) -> Spec:
        """One field: a token for each column."""
        columns = len(self._names)
        return Spec((FieldSpec.tokens(FIELD, codes=self.config.n_bins, event=(columns,)),))

    @property
    def edges(self) -> dict[str, NDArray[np.float64]]:
        """The edges of each column's bins, one more than there are bins; none if untrained."""
        return {c.name: c.bins.edges.copy() for c in self._trained}

    @property
    def summary(self) -> list[dict[str, Any]]:
        """What training found of each column: values, bins, unreachable bins, error, mean."""
        state = self.state()
        keys = ("values", "bins", "unreachable", "rank_error", "means")
        return [
            {"column": name} | {key: state[key][i].item() for key in keys}
            for i, name in enumerate(names_of(state))
        ]

    def columns(self, schema: pa.Schema) -> Sequence[str]:
        """The columns that become tokens, and those by which training filters rows."""
        names = self._names if self.is_fitted else self.config.scalar_columns
        found = scalar_columns(schema, names, self.config.booleans)
        if self._learning is not None:  # a further pass reads the columns that need it
            found = [column.name for column in self._learning if not column.done]
        by = [f.column for f in self.config.row_filters if f.column not in found]
        if not self.is_fitted:
            require(schema, by)
        return list(dict.fromkeys([*found, *(name for name in by if name in schema.names)]))

    def train(self, data: Any, session: Session | None = None) -> Self:
        """Train on paths, a table, a DataFrame or a source; gives the tokenizer itself."""
        self._learning = None  # of a training that was broken off
        return super().train(data, session)

    def update(self, state: Any, batch: pa.RecordBatch, keys: Array) -> Any:
        """The state after one more batch."""
        from tokenry_scalar.training import Rows, TrainingState

        if state is None:
            state = TrainingState.start(self._learning or self._beginning(batch), self.config)
        keep = self._kept_rows(batch)
        active = [state.names[i] for i in state.active]
        values = [self._admitted(name, batch, keep) for name in active]
        whole = [is_whole(batch.schema.field(name).type) for name in active]
        rows = None
        if self.config.estimator == "reservoir":
            rows = Rows(mix(keys, self.config.rng_seed), file_of(batch))
        state.add(values, whole, rows, thread_count(self.runtime.threads))
        return state

    def merge(self, a: Any, b: Any) -> Any:
        """One state out of two."""
        return a.merge(b)

    def finish(self, state: Any) -> bool:
        """Take a pass in use; True asks for one more."""
        from tokenry_scalar._trained import state_of
        from tokenry_scalar.training import Column

        if state is None or not state.rows:
            raise DataError("training was given no rows; give at least one file that has some")
        columns = self._learning or [Column(name) for name in state.names]
        if state.finish(columns, self.config, thread_count(self.runtime.threads)):
            self._learning = columns
            return True
        self._learning = None
        self.adopt(state_of(columns, self.config.n_bins, self.config.decode))
        self._warn_of_untrained()
        return False

    def prepare(self) -> None:
        """Make the tables that encoding looks values up in."""
        from tokenry_scalar._encoder import Encoder
        from tokenry_scalar._trained import trained_columns

        self._trained: list[TrainedColumn] = trained_columns(self.state(), self.config)
        self._encoder = Encoder([column.bins for column in self._trained])

    def encode_batch(self, batch: pa.RecordBatch, *, drop_filtered: bool = False) -> TokenBatch:
        """Tokens of every row; `drop_filtered` leaves out the rows that training left out."""
        names = [column.name for column in self._trained]
        require(batch.schema, names)
        columns = [self._floats(name, batch) for name in names]
        tokens, counts = self._encoder(columns, thread_count(self.runtime.threads))
        ids, id_col = batch_ids(batch)
        result = TokenBatch(
            self.spec,
            {FIELD: Field(tokens)},
            ids,
            id_col,
            meta={"scalar_cols": names, "N_BINS": self.config.n_bins},
            counts=_named(names, counts),
        )
        keep = self._kept_rows(batch) if drop_filtered else None
        return result if keep is None else result.select(keep)

    def decode(self, tokens: TokenBatch) -> pa.RecordBatch:
        """The middle of each bin, or the mean of its training values; missing is null."""
        if not self.is_fitted:
            raise NotTrained("the scalar tokenizer is not trained: there are no bins to decode")
        found = tokens[FIELD]
        columns = {tokens.id_col: tokens.ids}
        for i, column in enumerate(self._trained):
            columns[column.name] = pa.array(column.values[found[:, i]], from_pandas=True)
        return mark(pa.record_batch(columns), id_col=tokens.id_col)

    def panels(self, rows: pa.RecordBatch, tokens: TokenBatch) -> list[Panel]:
        """How full the bins of each column are, and how many nothing can fall into."""
        from tokenry_scalar._panel import occupancy

        return [occupancy(tokens[FIELD], self.summary, self.config.n_bins)]

    @classmethod
    def from_legacy(cls, path: str | os.PathLike[str]) -> Self:
        """Give the tokenizer that an .npz of the replaced scripts holds, running nothing of it."""
        from tokenry_scalar._legacy import read_scalar_npz

        config, state = read_scalar_npz(path)
        return cls.restore(config, state)

    def _beginning(self, batch: pa.RecordBatch) -> list[Any]:
        """Give the columns to train, of which nothing is known."""
        from tokenry_scalar.training import Column

        config = self.config
        names = scalar_columns(batch.schema, config.scalar_columns, config.booleans)
        return [Column(name) for name in names]

    @property
    def _names(self) -> tuple[str, ...]:
        if self.config.scalar_columns is not None:
            return self.config.scalar_columns
        if not self.is_fitted:
            raise NotTrained("scalar_columns is not given: training finds the columns")
        return names_of(self.state())

    def _floats(self, name: str, batch: pa.RecordBatch) -> Floats:
        return column_floats(name, batch.column(name), self.config.booleans)

    def _admitted(self, name: str, batch: pa.RecordBatch, keep: NDArray[np.bool_] | None) -> Floats:
        """Give a column with NaN for what training leaves out."""
        from tokenry_scalar.training import admitted

        return admitted(self._floats(name, batch), keep, self.config.trained_range(name))

    def _kept_rows(self, batch: pa.RecordBatch) -> NDArray[np.bool_] | None:
        """Say which rows pass the row filters; None where there are none."""
        keep = None
        for condition in self.config.row_filters:
            require(batch.schema, [condition.column])
            values = self._floats(condition.column, batch)
            low, high = condition.range
            passed = np.isfinite(values) & (values > np.float64(low)) & (values < np.float64(high))
            keep = passed if keep is None else keep & passed
        return keep

    def _warn_of_untrained(self) -> None:
        for found in self.summary:
            if not found["bins"]:
                warnings.warn(
                    f'column "{found["column"]}" has {found["values"]} values to train on, fewer'
                    f" than min_values={self.config.min_values}: all of it encodes as missing",
                    UserWarning,
                    stacklevel=2,
                )


def _named(names: Sequence[str], counts: NDArray[np.int64]) -> dict[str, int]:
    named: dict[str, int] = {}
    for name, (missing, clipped) in zip(names, counts.tolist(), strict=True):
        named[f"missing.{name}"] = missing
        named[f"clipped.{name}"] = clipped
    return named
