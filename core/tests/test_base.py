"""The conveniences around a tokenizer: options, encoding, artifacts, copies."""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tokenry_core import (
    BaseTokenizer,
    Field,
    FieldSpec,
    Spec,
    TokenBatch,
    batch_ids,
    mark,
    read_header,
    require,
    with_doc,
)
from tokenry_core._base import with_runtime
from tokenry_core.errors import ArtifactError, ConfigError, MissingColumn, NotTrained

TABLE = {"source_id": [5, 3, 9], "g": [1.0, 2.0, 4.0]}


@dataclass(frozen=True)
class Config:
    n_bins: int = with_doc("number of bins", 4)


@dataclass(frozen=True)
class Newer:
    n_bins: int = 4
    smooth: bool = field(default=False)


class Top(BaseTokenizer[Config]):
    """Trained by one pass: the greatest value."""

    name = "top"
    Config = Config
    prepared = 0

    @property
    def spec(self):
        return Spec((FieldSpec.tokens("bins", codes=self.config.n_bins),))

    def columns(self, schema):
        return require(schema, ["g"])

    def update(self, state, batch, keys):
        top = np.array([np.max(batch.column("g").to_numpy(), initial=0.0)])
        return top if state is None else np.maximum(state, top)

    def merge(self, a, b):
        return np.maximum(a, b)

    def finish(self, state):
        self.adopt({"top": np.ones(1) if state is None else state})
        return False

    def prepare(self):
        self.prepared += 1

    def encode_batch(self, batch, *, shift=0.0):
        values = batch.column("g").to_numpy() / self.state()["top"][0]
        bins = np.clip(values * self.config.n_bins + shift, 0, self.config.n_bins - 1)
        fields = {"bins": Field(bins.astype(np.uint16))}
        return TokenBatch(self.spec, fields, *batch_ids(batch))


class Plain(Top):
    """Needs no training."""

    name = "plain"
    update = merge = finish = None

    def encode_batch(self, batch):
        fields = {"bins": Field(np.zeros(batch.num_rows, np.uint16))}
        return TokenBatch(self.spec, fields, *batch_ids(batch))


@pytest.fixture
def trained():
    return Top().train(TABLE)


def test_options_are_keywords_or_one_config():
    assert Top(n_bins=8).config == Top(Config(n_bins=8)).config == Config(8)
    with pytest.raises(ConfigError, match="a Config or keywords, not both"):
        Top(Config(), n_bins=8)
    with pytest.raises(ConfigError, match="n_bins: '8' is a string"):
        Top(n_bins="8")


@pytest.mark.parametrize("given", [{"n_bins": 8}, 8, "top"])
def test_config_of_another_type_is_refused(given):
    with pytest.raises(ConfigError, match=f"a {type(given).__name__} was given; allowed are"):
        Top(given)


def test_untrained_says_what_to_do():
    tokenizer = Top()
    assert not tokenizer.is_fitted
    for use in (lambda: tokenizer.encode(TABLE), tokenizer.state, lambda: tokenizer.fingerprint):
        with pytest.raises(NotTrained, match="not trained"):
            use()
    assert repr(tokenizer) == "Top(Config(n_bins=4), not trained)"


def test_untrained_is_not_saved(tmp_path):
    with pytest.raises(NotTrained):
        Top().save(tmp_path / "a.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_everything_that_holds_columns_is_encoded_alike(trained, tmp_path):
    table = pa.table(TABLE)
    pq.write_table(table.slice(0, 2), tmp_path / "a.parquet")
    pq.write_table(table.slice(2), tmp_path / "b.parquet")
    (batch,) = table.to_batches()
    expected = trained.encode(table)
    assert expected["bins"].tolist() == [1, 2, 3]
    assert expected["ids"].tolist() == [5, 3, 9]
    for data in (
        TABLE,
        batch,
        pd.DataFrame(TABLE),
        str(tmp_path),
        tmp_path / "*.parquet",
        [tmp_path / "a.parquet", str(tmp_path / "b.parquet")],
        table.slice(0, 3),
    ):
        assert trained.encode(data) == expected


def test_options_of_encoding_are_passed_on(trained):
    table = pa.table(TABLE)
    for data in (table, table.to_batches()[0], table.slice(0, 0)):
        assert set(trained.encode(data, shift=9.0)["bins"].tolist()) <= {3}
    with pytest.raises(TypeError, match="no_such"):
        trained.encode(table, no_such=1)


def test_many_batches_are_one_result(trained):
    trained.runtime = type(trained.runtime)(batch_rows=2)
    assert trained.encode(TABLE)["bins"].tolist() == [1, 2, 3]


@pytest.mark.parametrize("as_file", [False, True], ids=["table", "file"])
def test_tables_without_rows_keep_the_name_and_type_of_their_ids(trained, tmp_path, as_file):
    table = pa.table(TABLE).slice(0, 0)
    pq.write_table(table, tmp_path / "none.parquet")
    tokens = trained.encode(tmp_path / "none.parquet" if as_file else table)
    assert (tokens.rows, tokens.id_col, tokens.ids.type) == (0, "source_id", pa.int64())
    assert TokenBatch.concat([tokens, trained.encode(TABLE)]).rows == 3


def test_table_without_rows_keeps_a_marked_id_column(trained):
    batch = mark(pa.record_batch({"name": ["x"], "g": [1.0]}), id_col="name")
    tokens = trained.encode(pa.Table.from_batches([batch.slice(0, 0)]))
    assert (tokens.id_col, tokens.ids.type) == ("name", pa.string())


def test_missing_column_is_named_whatever_is_given(trained):
    for data in ({"id": [1]}, pa.table({"id": [1]}), pa.record_batch({"id": [1]})):
        with pytest.raises(MissingColumn, match='"g" is missing'):
            trained.encode(data)


def test_marked_ids_survive_selection(trained):
    batch = mark(pa.record_batch({"name": ["x"], "g": [1.0]}), id_col="name")
    assert trained.encode(batch).id_col == "name"


def test_training_gives_the_tokenizer_and_remembers_the_data():
    tokenizer = Top()
    assert tokenizer.train(TABLE) is tokenizer
    assert tokenizer.training.rows == 3
    assert tokenizer.state()["top"].tolist() == [4.0]


def test_what_was_saved_is_loaded(trained, tmp_path):
    path = trained.save(tmp_path / "deep" / "top.safetensors")
    loaded = Top.load(path)
    assert loaded == trained
    assert loaded.training == trained.training
    assert loaded.prepared == 1
    assert loaded.encode(TABLE) == trained.encode(TABLE)
    assert path.read_bytes() == loaded.save(tmp_path / "again").read_bytes()


def test_loading_fills_an_instance(trained, tmp_path):
    path = trained.save(tmp_path / "top.safetensors")
    other = Top(n_bins=99)
    other.cache = "of the old state"
    assert other.load(path) is other
    assert other == trained
    assert other.config == Config(4)
    assert not hasattr(other, "cache")


def test_runtime_is_validated_and_not_saved(trained, tmp_path):
    path = trained.save(tmp_path / "top.safetensors")
    loaded = Top.load(path, batch_rows=7, threads=2)
    assert (loaded.runtime.batch_rows, loaded.runtime.threads) == (7, 2)
    assert loaded == trained
    for wrong in ({"batch_rows": 0}, {"threads": -1}, {"devices": "cpu"}):
        with pytest.raises(ConfigError, match=f"runtime.{next(iter(wrong))}"):
            Top.load(path, **wrong)


def test_tokenizer_without_training_is_saved_too(tmp_path):
    path = Plain(n_bins=3).save(tmp_path / "plain.safetensors")
    assert Plain.load(path) == Plain(n_bins=3) != Plain(n_bins=4)
    assert Plain.load(path).training is None


def test_artifact_of_another_plugin_is_refused(trained, tmp_path):
    path = trained.save(tmp_path / "top.safetensors")
    with pytest.raises(ArtifactError, match='belongs to the plugin "top", not to "plain"'):
        Plain.load(path)


@pytest.mark.parametrize("version", ["encoding", "contract"])
def test_artifact_of_another_version_is_refused(trained, tmp_path, version, monkeypatch):
    path = trained.save(tmp_path / "top.safetensors")
    monkeypatch.setattr(Top, version, 7)
    with pytest.raises(ArtifactError, match=f"has {version} version 1, and the installed .* has 7"):
        Top.load(path)


def test_new_option_keeps_the_fingerprint_of_old_artifacts(trained, tmp_path, monkeypatch):
    path = trained.save(tmp_path / "old.safetensors")
    before = trained.fingerprint

    monkeypatch.setattr(Top, "Config", Newer)
    loaded = Top.load(path)
    assert loaded.config == Newer(4, False)
    moved = with_runtime(loaded, batch_rows=5)
    for same in (loaded, moved, copy.deepcopy(loaded), pickle.loads(pickle.dumps(moved))):
        assert same.fingerprint == before
        assert same.save(tmp_path / "new.safetensors").read_bytes() == path.read_bytes()
    assert moved.runtime.batch_rows == 5
    assert Top().train(TABLE).fingerprint != before
    renewed = loaded.train(TABLE).save(tmp_path / "renewed.safetensors")
    assert read_header(renewed).config == {"n_bins": 4, "smooth": False}


def test_equal_tokenizers_hash_alike_and_differ_by_what_decides_tokens(trained):
    assert trained == Top().train(TABLE)
    assert hash(trained) == hash(Top())
    assert trained != Top()
    assert Top(n_bins=3) != Top(n_bins=4)
    assert trained != Top(n_bins=5).train(TABLE)
    assert trained != Top().train({"id": [1], "g": [5.0]})
    assert trained != Plain()
    assert trained != "top"


def test_restored_state_is_used_as_given(trained):
    again = Top.restore(trained.config, trained.state())
    assert again == trained
    assert Top.restore(Config(), {"top": [4.0]}).state()["top"].dtype == np.float64
