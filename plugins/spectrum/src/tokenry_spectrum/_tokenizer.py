"""SpectrumTokenizer: exact codebook tokens of spectra and light curves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tokenry_core import Panel, Session, Spec, TokenBatch, batch_ids
from tokenry_core.compat import NpzNames
from tokenry_core.errors import BadRows, DataError, MissingColumn, NotTrained
from tokenry_spectrum._config import SpectrumConfig, kind_of
from tokenry_spectrum._groups import State, TrainedGroup, group_spec, missing_points
from tokenry_spectrum._presets import ztf_groups
from tokenry_spectrum._sample import FileRows
from tokenry_spectrum._training import Limits, TrainingState, add_batch, train_group
from tokenry_spectrum.kinds import Kind


class SpectrumTokenizer(NpzNames[SpectrumConfig]):
    """Tokens of spectra and light curves: every point becomes the nearest code of its group.

    A group is some list columns that belong together (flux and inverse variance, magnitude and
    error) or Gaia's coefficients. Its features are standardised, K-means finds the codebook, and
    the token of a point is its exactly nearest centroid. `tokens_NAME` is rectangular where all
    rows of the training had one length, else ragged (`tokens_NAME_flat`, `tokens_NAME_indptr`).

    >>> rows = {"flux": [[0.0, 5.0], [0.1, 5.1]] * 4, "ivar": [[1.0, 4.0]] * 8}
    >>> group = {"name": "b", "kind": "flux_ivar", "flux_col": "flux", "ivar_col": "ivar"}
    >>> tokenizer = SpectrumTokenizer(codebook_size=2, groups=[group]).train(rows)
    >>> tokenizer.encode({"flux": [[0.0, 5.0, 0.1][:2]], "ivar": [[1.0, 4.0]]})["tokens_b"]
    array([[0, 1]], dtype=uint16)
    """

    name: ClassVar[str] = "spectrum"
    encoding: ClassVar[int] = 1
    Config: ClassVar[type] = SpectrumConfig

    def __init__(self, config: SpectrumConfig | None = None, /, **options: Any) -> None:
        super().__init__(config, **options)
        self._groups: tuple[TrainedGroup, ...] = ()
        self._limits: Limits | None = None

    @property
    def spec(self) -> Spec:
        """One field a group."""
        if self._groups:
            return Spec(tuple(group.spec for group in self._groups))
        kinds = [kind_of(group) for group in self.config.definitions]
        undecided = [k.group.name for k in kinds if k.group.length is None and not k.ragged]
        if undecided or not kinds:
            which = f'"{undecided[0]}"' if undecided else "the light curves"
            raise NotTrained(
                f"training decides whether rows of {which} have one length: call train(data), load"
                " an artifact, or give the group a length"
            )
        codes = self.config.codebook_size
        return Spec(tuple(group_spec(kind, codes, kind.group.length) for kind in kinds))

    def columns(self, schema: pa.Schema) -> Sequence[str]:
        """The columns of all groups."""
        kinds = [group.kind for group in self._groups] or self._kinds(schema)
        return list(dict.fromkeys(name for kind in kinds for name in kind.columns(schema)))

    def update(
        self, state: TrainingState | None, batch: pa.RecordBatch, keys: NDArray[np.uint64]
    ) -> TrainingState:
        """Take a batch into the sample."""
        if state is None:
            state = TrainingState(FileRows(self.config.max_rows_per_file))
        add_batch(state, self.config, self._kinds(batch.schema), batch, keys, self._limits)
        return state

    def merge(self, a: TrainingState, b: TrainingState) -> TrainingState:
        """Join two samples."""
        return a.merge(b)

    def finish(self, state: TrainingState | None) -> bool:
        """Run K-means on the sample; ask for another pass where files had too many rows.

        Which rows of a file count is known when all were seen. If points were let go meanwhile in
        favour of rows that do not count after all, a second pass over the rows that do is needed.
        """
        if state is None or not state.samples:
            raise DataError("there is no row to train on")
        if self._limits is None:
            limits = state.files.limits()
            exact = [sample.keep_rows(limits) for sample in state.samples.values()]
            if not all(exact):
                self._limits = limits
                return True
        self._limits = None
        start = self._start()
        arrays: dict[str, NDArray[Any]] = {}
        for name in _in_order(state, self.config):
            group = train_group(
                state.kinds[name], state.samples[name], self.config, start.get(name)
            )
            arrays |= group.state()
        self.adopt(arrays)
        return False

    def train(self, data: Any, session: Session | None = None) -> Self:
        """Train on paths, a table, a DataFrame or a source; gives the tokenizer itself."""
        self._limits = None
        return super().train(data, session)

    def prepare(self) -> None:
        """Make the groups of the trained state."""
        state, codes = self.state(), self.config.codebook_size
        kinds = [kind_of(group) for group in self.config.definitions] or _found(state)
        threads = self.runtime.threads
        self._groups = tuple(TrainedGroup.restore(kind, codes, state, threads) for kind in kinds)

    def encode_batch(self, batch: pa.RecordBatch) -> TokenBatch:
        """Tokens of every point of every row; `BadRows` where the lists of a row do not agree."""
        if not self._groups:
            raise NotTrained("the spectrum tokenizer is not trained: call train(data)")
        found = [(group, group.read(batch)) for group in self._groups]
        bad = {row: why for _, points in reversed(found) for row, why in points.bad.items()}
        if bad:
            raise BadRows(dict(sorted(bad.items())))
        fields = {group.spec.name: group.tokens(points) for group, points in found}
        counts = {
            f"missing_{group.kind.group.name}": missing_points(spec, fields[spec.name])
            for group in self._groups
            for spec in [group.spec]
        }
        ids, id_col = batch_ids(batch)
        meta = {"codebook_size": self.config.codebook_size}
        return TokenBatch(self.spec, fields, ids, id_col, meta, counts)

    def decode(self, tokens: TokenBatch) -> pa.RecordBatch:
        """The values of the codes in the columns they came from; missing points are null."""
        columns = {tokens.id_col: tokens.ids}
        for group in self._groups:
            columns |= group.columns_of(tokens.fields[group.spec.name])
        return pa.RecordBatch.from_pydict(columns)

    def panels(self, rows: pa.RecordBatch, tokens: TokenBatch) -> Iterable[Panel]:
        """A few rows of each group over what their tokens stand for."""
        from tokenry_spectrum._pictures import group_panel

        for group in self._groups:
            panel = group_panel(group, rows, tokens)
            if panel is not None:
                yield panel

    @classmethod
    def from_legacy(cls, path: str | PathLike[str], **options: Any) -> Self:
        """Give the tokenizer that the .npz of the replaced scripts holds; nothing is run.

        Codebooks that are not in it are read from `spectrum_kmeans_NAME.joblib` beside it.
        `options` replace what the file does not say, `groups` above all.
        """
        from tokenry_spectrum._legacy import read_spectrum_legacy

        config, state = read_spectrum_legacy(path, options)
        return cls.restore(config, state)

    def _kinds(self, schema: pa.Schema) -> list[Kind[Any]]:
        if self.config.groups:
            return [kind_of(group) for group in self.config.definitions]
        found = SpectrumConfig(groups=tuple(ztf_groups(schema))).definitions
        if not found:
            raise MissingColumn(
                "no groups are given, and no column ztf_mag_X has a column ztf_magerr_X; there are:"
                f" {', '.join(schema.names)}. Give groups, such as groups=['desi_b']"
            )
        return [kind_of(group) for group in found]

    def _start(self) -> dict[str, TrainedGroup]:
        path = self.config.codebook_from
        if path is None:
            return {}
        return {group.kind.group.name: group for group in type(self).load(path)._groups}


def _in_order(state: TrainingState, config: SpectrumConfig) -> list[str]:
    """Names of the groups: as configured, or sorted where they were found."""
    return [group.name for group in config.definitions] or sorted(state.samples)


def _found(state: State) -> list[Kind[Any]]:
    """Give the light curves that training found, by the names of their arrays."""
    names = sorted(key.removesuffix(".codebook") for key in state if key.endswith(".codebook"))
    columns = [
        f"ztf_{what}_{name.removeprefix('ztf_')}" for name in names for what in ("mag", "magerr")
    ]
    timed = [f"ztf_hmjd_{n.removeprefix('ztf_')}" for n in names if state[f"{n}.timed"]]
    schema = pa.schema([(column, pa.list_(pa.float32())) for column in columns + timed])
    return [kind_of(g) for g in SpectrumConfig(groups=tuple(ztf_groups(schema))).definitions]
