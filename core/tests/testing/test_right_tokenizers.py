"""Small tokenizers of every style, each of which keeps every promise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from annotated_types import Ge, Le

from tokenry_core import (
    BaseTokenizer,
    Field,
    FieldSpec,
    Spec,
    TokenBatch,
    batch_ids,
    require,
    with_doc,
)
from tokenry_core.errors import BadRows, DataError
from tokenry_core.testing import TokenizerCase, TokenizerTests

RNG = np.random.default_rng(3)
MAGNITUDES = [None if i % 7 == 3 else float(g) for i, g in enumerate(RNG.uniform(10, 20, 24))]


@dataclass(frozen=True)
class StepConfig:
    step: Annotated[float, Ge(0.1)] = with_doc("width of a bin", 0.5)
    codes: Annotated[int, Ge(1), Le(60_000)] = with_doc("number of bins", 64)


class Steps(BaseTokenizer[StepConfig]):
    """Configuration only: bins of one width; NaN and null are missing."""

    name = "steps"
    Config = StepConfig

    @property
    def spec(self):
        return Spec((FieldSpec.tokens("steps", codes=self.config.codes),))

    def columns(self, schema):
        return require(schema, ["g"])

    def encode_batch(self, batch):
        values = floats(batch, require(batch.schema, ["g"])[0])
        bins = np.clip(np.floor(values / self.config.step), 0, self.config.codes - 1)
        missing = np.isnan(values)
        tokens = np.where(missing, self.config.codes, bins).astype(np.uint16)
        ids, name = batch_ids(batch)
        counts = {"missing": int(missing.sum())}
        meta = {"STEP": self.config.step}
        return TokenBatch(self.spec, {"steps": Field(tokens)}, ids, name, meta, counts)

    def decode(self, tokens):
        bins = tokens["steps"]
        values = pa.array((bins + 0.5) * self.config.step, mask=bins == self.config.codes)
        return pa.record_batch({"g": values, tokens.id_col: tokens.ids})


@dataclass(frozen=True)
class RangeConfig:
    n_bins: Annotated[int, Ge(2)] = with_doc("number of bins", 16)


class Ranges(BaseTokenizer[RangeConfig]):
    """Trained by passes: bins between the least and the greatest value."""

    name = "ranges"
    Config = RangeConfig

    @property
    def spec(self):
        return Spec((FieldSpec.tokens("ranges", codes=self.config.n_bins, event=(1,)),))

    def columns(self, schema):
        return require(schema, ["g"])

    def update(self, state, batch, keys):
        values = floats(batch, "g")
        values = values[np.isfinite(values)]
        own = (values.min(), values.max()) if len(values) else (np.inf, -np.inf)
        return own if state is None else self.merge(state, own)

    def merge(self, a, b):
        return min(a[0], b[0]), max(a[1], b[1])

    def finish(self, state):
        if state is None or state[0] > state[1]:
            raise DataError("no value to train on; give at least one")
        self.adopt({"range": np.array(state, np.float64)})
        return False

    def encode_batch(self, batch):
        low, high = self.state()["range"]
        values = floats(batch, require(batch.schema, ["g"])[0])
        missing = np.isnan(values)
        with np.errstate(invalid="ignore"):
            bins = np.floor((values - low) / ((high - low) or 1) * self.config.n_bins)
        bins = np.where(missing, self.config.n_bins, np.clip(bins, 0, self.config.n_bins - 1))
        fields = {"ranges": Field(bins.astype(np.uint16)[:, None])}
        return TokenBatch(self.spec, fields, *batch_ids(batch))

    def decode(self, tokens):
        low, high = self.state()["range"]
        bins = tokens["ranges"][:, 0]
        values = low + (bins + 0.5) / self.config.n_bins * (high - low)
        return pa.record_batch({"g": pa.array(values, mask=bins == self.config.n_bins)})


@dataclass(frozen=True)
class NoConfig:
    pass


class Levels(BaseTokenizer[NoConfig]):
    """Trained by a loop of its own, which alone decides how many codes there are."""

    name = "levels"
    Config = NoConfig

    @property
    def spec(self):
        return Spec((FieldSpec.tokens("level", codes=len(self.state()["levels"]) + 1),))

    def columns(self, schema):
        return require(schema, ["g"])

    def fit(self, source, session):
        levels = set()
        for fragment in source.fragments():
            for batch in fragment.read(["g"], 100):
                levels |= set(np.floor(floats(batch, "g")).tolist())
        levels = sorted(level for level in levels if np.isfinite(level))
        if not levels:
            raise DataError("no value to train on; give at least one")
        self.adopt({"levels": np.array(levels)})

    def encode_batch(self, batch):
        values = floats(batch, require(batch.schema, ["g"])[0])
        levels = self.state()["levels"]
        tokens = np.searchsorted(levels, values, side="right").astype(np.uint16)
        tokens[np.isnan(values)] = len(levels) + 1
        return TokenBatch(self.spec, {"level": Field(tokens)}, *batch_ids(batch))


class Points(BaseTokenizer[NoConfig]):
    """Ragged and dense: each row's own points, centred; rows of odd length cannot be encoded."""

    name = "points"
    Config = NoConfig

    @property
    def spec(self):
        points = FieldSpec(
            "points", "dense", "float32", (2,), ragged=True, exact=False, tolerance=1e-5
        )
        return Spec((points,))

    def columns(self, schema):
        return require(schema, ["flux"])

    def encode_batch(self, batch):
        column = batch.column(require(batch.schema, ["flux"])[0])
        if pa.types.is_null(column.type):
            column = column.cast(pa.list_(pa.float64()))
        lengths = pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False)
        odd = {int(i): f"flux has {lengths[i]} points" for i in np.flatnonzero(lengths % 2)}
        if odd:
            raise BadRows(odd)
        values = column.flatten().to_numpy(zero_copy_only=False).astype(np.float32)
        indptr = np.concatenate([[0], np.cumsum(lengths // 2)]).astype(np.int64)
        return TokenBatch(
            self.spec, {"points": Field(values.reshape(-1, 2), indptr)}, *batch_ids(batch)
        )


def floats(batch, name):
    return batch.column(name).to_numpy(zero_copy_only=False).astype(np.float64)


class TestConfigurationOnly(TokenizerTests):
    @pytest.fixture
    def case(self):
        rows = {"source_id": list(range(24)), "g": MAGNITUDES, "other": ["a"] * 24}
        return TokenizerCase(Steps(step=0.25), rows)


class TestTrainedByPasses(TokenizerTests):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls):
        rows = {"name": [f"s{i}" for i in range(24)], "g": pa.array(MAGNITUDES, pa.float32())}
        return TokenizerCase(Ranges(n_bins=20), rows)


class TestTrainedByALoop(TokenizerTests):
    @pytest.fixture
    def case(self):
        rows = {"id": [f"s{i}" for i in range(24)], "g": MAGNITUDES}
        training = {"g": RNG.uniform(0, 30, 500)}
        return TokenizerCase(Levels(), rows, training=training)


class TestRaggedAndDense(TokenizerTests):
    @pytest.fixture
    def case(self):
        flux = [RNG.normal(size=2 * (i % 4)).tolist() for i in range(12)]
        flux[5] = None
        table = pa.table({"flux": pa.array(flux, pa.list_(pa.float32()))})
        return TokenizerCase(Points(), table, bad_rows={"flux": [[1.0], [1.0, 2.0, 3.0]]})


class TestFixedSizeLists(TokenizerTests):
    @pytest.fixture
    def case(self):
        flux = pa.FixedSizeListArray.from_arrays(RNG.normal(size=48).astype(np.float32), 4)
        return TokenizerCase(Points(), pa.table({"id": list(range(12)), "flux": flux}))
