"""Ray datasets through tokenizers, and token folders as Ray datasets."""

import shutil

import numpy as np
import pyarrow as pa
import pytest
import ray.data
from catalogs import write_catalog

import tokenry
from tokenry_core import tensor_column
from tokenry_core.errors import DataError, NotTrained
from tokenry_image import ImageTokenizer
from tokenry_ray import map_batches, read_tokens
from tokenry_scalar import ScalarTokenizer

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray")


@pytest.fixture(scope="module", autouse=True)
def _quiet():
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.enable_operator_progress_bars = False


@pytest.fixture(scope="module")
def stars():
    random = np.random.default_rng(0)
    return pa.table({"source_id": range(100), "mag_r": random.normal(size=100)})


@pytest.fixture(scope="module")
def scalar(stars):
    return ScalarTokenizer(n_bins=8, scalar_columns=["mag_r"]).train(stars)


def test_light_tokenizer_maps_a_dataset(stars, scalar):
    dataset = ray.data.from_arrow(stars).repartition(3)
    rows = map_batches(dataset, scalar).take_all()
    expected = scalar.encode(stars)["scalar_tokens"]
    assert len(rows) == 100
    assert all((row["scalar_tokens"] == expected[row["source_id"]]).all() for row in rows)


def test_artifact_maps_a_dataset(stars, scalar, tmp_path):
    path = scalar.save(tmp_path / "stars.safetensors")
    batch = map_batches(ray.data.from_arrow(stars), path, batch_size=30).take_batch(100)
    assert np.array_equal(batch["scalar_tokens"], scalar.encode(stars)["scalar_tokens"])
    assert batch["scalar_tokens"].dtype == np.uint16


def test_id_column_may_be_named(stars, scalar):
    named = stars.rename_columns(["star", "mag_r"])
    batch = map_batches(ray.data.from_arrow(named), scalar, id="star").take_batch(5)
    assert batch["star"].tolist() == [0, 1, 2, 3, 4]


def test_model_is_loaded_in_actors():
    images = np.random.default_rng(0).normal(size=(8, 1, 8, 8)).astype(np.float32)
    small = {"width": 8, "blocks": 1}
    training = {"steps": 2, "batch_size": 4}
    tokenizer = ImageTokenizer(
        cutout_size=8, bands=["R"], codebook_size=16, options=small, training=training
    )
    table = pa.table({"id": range(8), "splus_cut_R": tensor_column(images[:, 0])})
    tokenizer.train(table)
    dataset = map_batches(ray.data.from_arrow(table), tokenizer, workers=1, batch_size=4)
    found = dataset.take_batch(8)
    assert np.array_equal(found["image_tokens"], tokenizer.encode(table)["image_tokens"])
    assert found["image_tokens"].shape[1:] == (2, 2)


@pytest.mark.parametrize(("bad_rows", "rows"), [("drop", 3), ("missing", 4)])
def test_bad_rows_are_dropped_or_missing(bad_rows, rows):
    dataset = ray.data.from_arrow(pa.table({"id": range(4), "x": [1, -1, 9, 6]}))
    moody = tokenry.tokenizers["moody"]()
    batch = map_batches(dataset, moody, bad_rows=bad_rows).take_batch(4)
    assert len(batch["id"]) == rows
    assert batch["moody_tokens"].tolist() == ([1, 2, 6] if rows == 3 else [1, 7, 2, 6])


def test_bad_rows_are_an_error_unless_said_otherwise():
    dataset = ray.data.from_arrow(pa.table({"id": [0], "x": [-1]}))
    with pytest.raises(Exception, match="-1 is below zero"):
        map_batches(dataset, tokenry.tokenizers["moody"]()).take_all()


def test_tokenizer_has_to_be_trained(stars):
    with pytest.raises(NotTrained, match="train it, or give an artifact"):
        map_batches(ray.data.from_arrow(stars), ScalarTokenizer(scalar_columns=["mag_r"]))


@pytest.fixture(scope="module")
def tokens(tmp_path_factory):
    place = tmp_path_factory.mktemp("tokens")
    write_catalog(place / "data", files=3, rows=100)
    run = {
        "source": {"name": "parquet", "path": str(place / "data"), "fragment_bytes": 2500},
        "tokenizers": {"moody": {"column": "x"}},
        "engine": {"name": "local", "mode": "serial"},
        "sink": {"name": "parquet", "path": str(place / "tokens")},
    }
    tokenry.encode(run)
    return place / "tokens"


def test_token_folder_is_a_dataset(tokens):
    rows = read_tokens(tokens).take_all()
    expected = tokenry.open_tokens(tokens).load()
    found = dict(sorted((row["id"], row["moody_tokens"]) for row in rows))
    assert list(found) == expected.ids.to_pylist()
    assert list(found.values()) == expected["moody_tokens"].tolist()


def test_fields_can_be_chosen(tokens):
    assert read_tokens(tokens, fields=[]).columns() == ["id"]


def test_ragged_fields_keep_their_lengths(tmp_path):
    lists = [[1.0], [], [2.0, 3.0, 4.0]]
    data = {"id": [1, 2, 3], "desi_flux_b": lists, "desi_ivar_b": lists}
    run = {
        "source": {"name": "arrow", "data": pa.table(data)},
        "tokenizers": {"spectrum": {"codebook_size": 2, "groups": ["desi_b"]}},
        "artifacts": str(tmp_path),
        "engine": {"name": "local", "mode": "serial"},
        "sink": {"name": "parquet", "path": str(tmp_path / "tokens")},
    }
    tokenry.train(run)
    tokenry.encode(run)
    rows = read_tokens(tmp_path / "tokens").take_all()
    assert [len(row["tokens_desi_b"]) for row in rows] == [1, 0, 3]


def test_only_finished_shards_of_a_run_that_goes_on_are_read(tokens, tmp_path):
    unfinished = tmp_path / "tokens"
    shutil.copytree(tokens, unfinished)
    (unfinished / "manifest.json").unlink()
    journal = (unfinished / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (unfinished / "journal.jsonl").write_bytes(b"".join(journal[:3]) + journal[3][:20])
    (unfinished / "part-000000.parquet").write_bytes(b"cut off")
    assert read_tokens(unfinished).count() == 100


def test_folder_without_a_run_says_so(tmp_path):
    with pytest.raises(DataError, match="holds no run of Tokenry"):
        read_tokens(tmp_path)
