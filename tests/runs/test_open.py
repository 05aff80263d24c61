import pickle
import warnings
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from catalogs import rewrite
from torch.utils.data import DataLoader

import tokenry
from tokenry.runs import read_shard
from tokenry_core import BaseTokenizer, Field, FieldSpec, Spec, TokenBatch, batch_ids
from tokenry_core.errors import DataError


@pytest.fixture
def tokens(run):
    del run["tokenizers"]["range"]
    tokenry.encode(run)
    return tokenry.open_tokens("tokens")


class Ragged(BaseTokenizer):
    """As many tokens as the value says."""

    name = "ragged"
    Config = type("Config", (), {"__dataclass_fields__": {}})
    spec = Spec((FieldSpec.tokens("r", codes=9, ragged=True),))

    def columns(self, schema):
        return ["x"]

    def encode_batch(self, batch):
        lengths = batch.column("x").to_numpy() % 4
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        values = np.arange(indptr[-1], dtype=np.uint16) % 9
        return TokenBatch(self.spec, {"r": Field(values, indptr)}, *batch_ids(batch))


def test_folder_tells_its_rows_fields_and_tokenizers(tokens):
    assert len(tokens) == 1000
    assert tokens["moody_tokens"].codes == 7
    assert tokens.tokenizers["moody"]["name"] == "moody"
    assert tokens.table().num_rows == 1000


def test_batches_come_in_order(tokens, catalog):
    ids = np.concatenate([batch["ids"] for batch in tokens])
    assert ids.tolist() == pq.read_table(catalog).column("id").to_pylist()


def test_one_shard_is_read_alone(tokens):
    for shard, batch in zip(tokens.shards, tokens, strict=True):
        assert read_shard(shard) == batch


def test_folder_without_finished_run_is_refused(place):
    with pytest.raises(DataError, match="holds no finished run: there is no manifest.json"):
        tokenry.open_tokens(place)
    with pytest.raises(DataError, match="none is no folder"):
        tokenry.open_tokens("none")


def test_folder_shows_what_it_holds_and_names_its_fields(tokens):
    assert repr(tokens) == "TokenFolder('tokens': 1,000 rows of moody_tokens)"
    with pytest.raises(KeyError, match="nope: no such field; there are: moody_tokens"):
        _ = tokens["nope"]
    with pytest.raises(KeyError, match="nope: no such key; there are: moody_tokens"):
        _ = tokens.load()["nope"]


def test_shards_open_in_what_people_use(tokens, catalog):
    import datasets
    import duckdb
    import pandas as pd
    import polars as pl

    path = str(tokens.shards[0])
    expected = (pq.read_table(catalog).column("x").to_numpy()[:100] % 7).tolist()
    assert pd.read_parquet(path)["moody_tokens"].tolist() == expected
    assert pl.read_parquet(path)["moody_tokens"].to_list() == expected
    found = duckdb.sql(f"select moody_tokens from '{path}'").fetchall()
    assert [row[0] for row in found] == expected
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = datasets.Dataset.from_parquet(path, cache_dir=str(tokens.path / "hf"))
    assert loaded["moody_tokens"][:] == expected


def test_map_dataset_gives_every_row(tokens, catalog):
    dataset = tokens.torch()
    x = pq.read_table(catalog).column("x").to_pylist()
    assert len(dataset) == 1000
    for i in (0, 99, 100, 999, -1):
        assert dataset[i]["moody_tokens"].item() == x[i] % 7
        assert dataset[i]["id"] == 2**60 + i % 1000
    assert dataset[3]["moody_tokens"].dtype == torch.int64
    with pytest.raises(IndexError, match="row 1000 was asked for; there are 1000"):
        dataset[1000]


def test_map_dataset_travels_without_its_shards(tokens):
    dataset = tokens.torch()
    dataset[500]
    assert len(pickle.dumps(dataset)) < 20_000
    assert pickle.loads(pickle.dumps(dataset))[3]["id"] == 2**60 + 3


@pytest.mark.parametrize("ranks", [1, 3, 7])
@pytest.mark.parametrize("shuffle", [False, True])
def test_stream_gives_each_row_once_over_all_ranks(tokens, ranks, shuffle):
    from tokenry.runs._torch import TokenStream

    parts = [
        [sample["id"] for sample in TokenStream(tokens, shuffle=shuffle, rank=rank, ranks=ranks)]
        for rank in range(ranks)
    ]
    assert Counter(sum(parts, [])) == Counter(range(2**60, 2**60 + 1000))  # noqa: RUF017
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.slow
def test_stream_gives_each_row_once_over_all_workers(tokens):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a word on the number of workers
        loader = DataLoader(
            tokens.stream(shuffle=True), batch_size=64, num_workers=2, collate_fn=tokens.collate
        )
        ids = [i for batch in loader for i in batch["id"]]
    assert sorted(ids) == list(range(2**60, 2**60 + 1000))


def test_epochs_differ_and_repeat(tokens):
    def order(epoch, seed=0):
        stream = tokens.stream(shuffle=True, seed=seed)
        stream.set_epoch(epoch)
        return [sample["id"] for sample in stream]

    assert order(0) == order(0)
    assert order(0) != order(1)
    assert order(0) != order(0, seed=1)


def test_rows_that_were_dropped_leave_no_gap(run, catalog):
    rewrite(catalog / "part1.parquet", x=dict.fromkeys(range(100), -1))
    del run["tokenizers"]["range"]
    tokenry.encode(run)
    tokens = tokenry.open_tokens("tokens")
    assert len(tokens) == 900
    assert tokens.torch()[250]["id"] == 2**60 + 350


def test_ragged_fields_are_padded_with_a_mask(place):
    from tokenry.runs._open import TokenFolder
    from tokenry_core import ParquetSink

    rows = pa.record_batch({"id": [1, 2, 3, 4], "x": [2, 0, 3, 1]})
    (partial,) = ParquetSink(path=str(place)).write("a", [Ragged.encode_batch(Ragged, rows)], {})
    partial.rename(place / "a.parquet")
    fragments = [{"rows_out": 4, "files": [["a.parquet", 0]]}]
    folder = TokenFolder(place, {"fragments": fragments})
    batch = next(iter(DataLoader(folder.torch(), batch_size=4, collate_fn=folder.collate)))
    assert batch["r"].tolist() == [[0, 1, 9], [9, 9, 9], [2, 3, 4], [5, 9, 9]]
    assert batch["r_mask"].sum(1).tolist() == [2, 0, 3, 1]
