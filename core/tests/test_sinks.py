import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tokenry_core import ArrowSink, NpzSink, ParquetSink, TokenBatch, read_npz, read_provenance
from tokenry_core.errors import ConfigError, DataError
from tokenry_core.testing import SinkCase, SinkTests, sample_batches

PROVENANCE = {"tokenizers": {"t": {"name": "t", "fingerprint": "f" * 64}}}


def read_parquet(paths):
    (path,) = paths
    return TokenBatch.concat(
        [TokenBatch.from_arrow(batch) for batch in pq.read_table(path).to_batches()]
    )


class TestParquetSink(SinkTests):
    @pytest.fixture(params=["none", "snappy", "zstd", "lz4"])
    def case(self, tmp_path, request):
        sink = ParquetSink(path=tmp_path, compression=request.param)
        return SinkCase(sink, tmp_path, read_parquet)


class TestNpzSink(SinkTests):
    @pytest.fixture(params=[False, True], ids=["stored", "compressed"])
    def case(self, tmp_path, request):
        sink = NpzSink(path=tmp_path, compress=request.param)
        return SinkCase(sink, tmp_path, lambda paths: read_npz(paths[0]))


def test_parquet_shard_tells_its_provenance(tmp_path):
    (path,) = ParquetSink(path=tmp_path).write("a", sample_batches(), PROVENANCE)
    assert read_provenance(path) == PROVENANCE


def test_parquet_of_others_is_no_shard(tmp_path):
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(DataError, match="no token shard of Tokenry"):
        read_provenance(path)


def test_npz_shard_has_the_known_keys_and_no_objects(tmp_path):
    (path,) = NpzSink(path=tmp_path).write("a", sample_batches(), PROVENANCE)
    with np.load(path, allow_pickle=False) as file:
        assert {"colour", "words_flat", "words_indptr", "ids", "id_col", "N"} <= set(file.files)
        assert json.loads(str(file["tokenry_provenance"])) == PROVENANCE


def test_npz_of_others_is_no_shard(tmp_path):
    np.savez(tmp_path / "x.npz", a=[1])
    with pytest.raises(DataError, match="no token shard of Tokenry"):
        read_npz(tmp_path / "x.npz")


def test_memory_sink_keeps_fragments_in_order_of_their_stems():
    sink = ArrowSink()
    for stem in ("b", "a"):
        assert sink.write(stem, sample_batches(), {}) == []
    assert list(sink.shards) == ["b", "a"]
    ids = sample_batches()[0]["ids"].tolist()
    assert sink.table().column(0).to_pylist()[: len(ids)] == ids


def test_unknown_compression_lists_what_there_is(tmp_path):
    with pytest.raises(ConfigError, match='one of "none", "snappy", "zstd", "lz4"'):
        ParquetSink(path=tmp_path, compression="gz")
