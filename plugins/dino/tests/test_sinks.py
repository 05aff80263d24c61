import gc
import io
import json
import tarfile
from typing import ClassVar

import numpy as np
import pytest

from tokenry_core import Field, FieldSpec, Spec, TokenBatch
from tokenry_core.errors import DataError
from tokenry_core.testing import SinkCase, SinkTests, sample_batches
from tokenry_dino import NpySink, WebDatasetSink

PROVENANCE = {"tokenizers": {"dino": {"name": "dino-patch", "fingerprint": "abc123"}}}


def batch_of(ids=("a", "b"), lengths=(3, 2)):
    spec = Spec(
        (
            FieldSpec("dino_patches", "dense", "float16", (4,), ragged=True, exact=False),
            FieldSpec("dino_cls", "dense", "float16", (4,), exact=False),
            FieldSpec("dino_grid", "dense", "float32", (2,)),
        )
    )
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    patches = np.arange(4 * sum(lengths), dtype=np.float16).reshape(-1, 4)
    grid = np.array([[1, n] if n else [np.nan, np.nan] for n in lengths], np.float32)
    fields = {
        "dino_patches": Field(patches, indptr),
        "dino_cls": Field(np.ones((len(ids), 4), np.float16)),
        "dino_grid": Field(grid),
    }
    return TokenBatch(spec, fields, list(ids), "image_id")


def finished(paths):
    return [path.rename(path.with_name(path.name.removesuffix(".partial"))) for path in paths]


class TestNpy(SinkTests):
    reasons: ClassVar = {
        "test_fragments_have_files_of_their_own": "files are named by ids, which no two share",
        "test_fragment_without_rows_is_written": "a fragment without rows has no files",
    }
    test_fragments_have_files_of_their_own = None

    @pytest.fixture
    def case(self, tmp_path):
        def read(paths):
            arrays = [np.load(path) for path in paths]
            indptr = np.cumsum([0, *map(len, arrays)])
            ids = [int(path.stem) for path in paths]
            return {"ids": ids, "patches_flat": np.concatenate(arrays), "patches_indptr": indptr}

        return SinkCase(NpySink(path=str(tmp_path), field="patches"), tmp_path, read)

    def test_fragment_without_rows_is_written(self, case):
        empty = case.batches[0].select(np.zeros(case.batches[0].rows, bool))
        assert case.sink.write("a", [empty], PROVENANCE) == []


class TestWebDataset(SinkTests):
    @pytest.fixture
    def case(self, tmp_path):
        def read(paths):
            samples = members_of(paths[0])
            colours = [np.lib.format.read_array(s["colour.npy"]) for s in samples.values()]
            ids = [json.load(s["json"])["image_id"] for s in samples.values()]
            return {"ids": ids, "colour": np.stack(colours)}

        return SinkCase(WebDatasetSink(path=str(tmp_path)), tmp_path, read)


def members_of(path):
    samples = {}
    with tarfile.open(path) as tar:
        for member in tar:
            key, _, suffix = member.name.partition(".")
            samples.setdefault(key, {})[suffix] = io.BytesIO(tar.extractfile(member).read())
    return samples


def test_npy_writes_each_image_as_rows_of_patches(tmp_path):
    for path in finished(NpySink(path=str(tmp_path)).write("part-0", [batch_of()], PROVENANCE)):
        assert path.parent == tmp_path
    assert np.load(tmp_path / "a.npy").tolist() == np.arange(12).reshape(3, 4).tolist()
    assert np.load(tmp_path / "b.npy").shape == (2, 4)
    assert np.load(tmp_path / "b.npy").dtype == np.float16


def test_npy_names_the_fields_when_its_own_is_not_there(tmp_path):
    sink = NpySink(path=str(tmp_path), field="patches")
    with pytest.raises(DataError, match="there are: dino_patches, dino_cls"):
        sink.write("part-0", [batch_of()], PROVENANCE)


@pytest.mark.parametrize("sink", [NpySink, WebDatasetSink])
@pytest.mark.parametrize("image_id", ["../a", "x/y", ""])
def test_an_id_cannot_leave_the_folder(tmp_path, sink, image_id):
    with pytest.raises(DataError, match="no name of a file"):
        sink(path=str(tmp_path)).write("part-0", [batch_of((image_id, "b"))], PROVENANCE)


def test_webdataset_holds_every_field_and_says_what_made_it(tmp_path):
    sink = WebDatasetSink(path=str(tmp_path))
    (shard,) = finished(sink.write("part-0", [batch_of(("a.v2", "b"), (3, 0))], PROVENANCE))
    samples = members_of(shard)
    assert list(samples) == ["a%2Ev2", "b"]
    assert set(samples["b"]) == {"dino_patches.npy", "dino_cls.npy", "json"}
    assert json.load(samples["a%2Ev2"]["json"]) == {
        "image_id": "a.v2",
        "dino_grid": [1, 3],
        "tokenizers": {"dino": "abc123"},
    }
    assert json.load(samples["b"]["json"])["dino_grid"] is None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_webdataset_is_read_by_the_webdataset_library(tmp_path):
    import webdataset

    sink = WebDatasetSink(path=str(tmp_path))
    (shard,) = finished(sink.write("part-0", [batch_of(("a.v2", "b"))], PROVENANCE))
    found = list(webdataset.WebDataset(str(shard), shardshuffle=False).decode())
    gc.collect()  # the library leaves its files to the collector, which warns
    assert [sample["json"]["image_id"] for sample in found] == ["a.v2", "b"]
    assert found[0]["dino_patches.npy"].tolist() == np.arange(12).reshape(3, 4).tolist()
    assert found[1]["dino_cls.npy"].tolist() == [1, 1, 1, 1]


def test_sample_batches_have_integer_ids_that_become_names(tmp_path):
    batch = sample_batches()[0]
    paths = NpySink(path=str(tmp_path), field="patches").write("part-0", [batch], PROVENANCE)
    assert [path.name for path in paths] == [f"{i}.npy.partial" for i in batch.ids.to_pylist()]
