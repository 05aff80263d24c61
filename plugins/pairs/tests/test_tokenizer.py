"""The tokenizer `pairs`: the kit's promises, columns of image sets, and runs from a file."""

import io
import pickle

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

import tokenry
import tokenry_core
from tokenry.report import write_report
from tokenry_core import Session
from tokenry_core.errors import BadRows, DataError, MissingColumn, NotTrained
from tokenry_core.testing import TokenizerCase, TokenizerTests
from tokenry_pairs import PairMatchingTrainer, PairsTokenizer

SMALL = {"img_size": 8, "patch_size": 4, "embed_dim": 16, "depth": 1, "num_heads": 2}
PLAN = {
    "num_epochs": 2,
    "num_pairs_per_epoch": 8,
    "batch_size": 4,
    "images_per_set": 2,
    "validation_pairs": 10,
}
MODEL = {"pretrained": False, "options": SMALL, "embed_dim": 8}


def png(label, number, size=(8, 8)):
    base = np.random.default_rng(label).uniform(40, 215, (*size, 3))
    noisy = base + np.random.default_rng([label, number]).normal(0, 20, (*size, 3))
    file = io.BytesIO()
    Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def rows(labels=4, sets=3):
    """Give sets of one to three images; each image is there once."""
    return {
        "id": list(range(labels * sets)),
        "set": [
            [png(y, 10 * s + i) for i in range(1 + s % 3)]
            for y in range(labels)
            for s in range(sets)
        ],
        "label": [f"cat{y}" for y in range(labels) for _ in range(sets)],
    }


def small(**options):
    return PairsTokenizer(**{**MODEL, "validation": 0.5, "training": PLAN, **options})


@pytest.fixture(scope="module")
def trained():
    return small(validation_by="image").train(rows())


class TestEncodedSets(TokenizerTests):
    @pytest.fixture(scope="class", params=["identity", "image"])
    @classmethod
    def case(cls, request):
        bad = {"id": [90, 91], "set": [[png(0, 0), b"no image"], [b""]], "label": ["a", "b"]}
        tokenizer = small(validation_by=request.param, freeze_backbone=request.param == "image")
        return TokenizerCase(tokenizer, rows=rows(), bad_rows=bad, many=40)


class TestSinglePaths(TokenizerTests):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls, tmp_path_factory):
        folder = tmp_path_factory.mktemp("photos")
        table = {"id": [], "photo": [], "who": []}
        for label in range(3):
            for number in range(4):
                path = folder / f"{label}-{number}.png"
                path.write_bytes(png(label, number))
                table["id"].append(f"{label}-{number}")
                table["photo"].append(str(path))
                table["who"].append(label)
        options = {"column": "photo", "label_column": "who", "validation": 0.0}
        return TokenizerCase(small(**options), rows=table, many=30)


def test_a_set_without_an_image_is_missing(trained):
    table = pa.table({"id": [1, 2, 3, 4], "set": [None, [], [None], [None, png(0, 0)]]})
    tokens = trained.encode(table)
    assert np.isnan(tokens["pairs_vector"]).all(1).tolist() == [True, True, True, False]
    assert tokens.counts["sets_empty"] == 3


def test_the_order_of_a_sets_images_changes_nothing(trained):
    images = [png(0, i) for i in range(3)]
    found = trained.encode({"set": [images, images[::-1]]})["pairs_vector"]
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)


@pytest.mark.parametrize("kind", ["fixed", "large", "struct", "paths"])
def test_every_column_of_sets_gives_the_same_vectors(trained, tmp_path, kind):
    sets = [[png(y, i) for i in range(2)] for y in range(3)]
    expected = trained.encode({"set": sets})["pairs_vector"]
    item = {"struct": pa.struct([("bytes", pa.binary()), ("path", pa.string())])}.get(kind)
    if kind == "paths":
        for y, own in enumerate(sets):
            for i, data in enumerate(own):
                (tmp_path / f"{y}{i}.png").write_bytes(data)
                own[i] = str(tmp_path / f"{y}{i}.png")
        item = pa.string()
    if kind == "struct":
        sets = [[{"bytes": data, "path": None} for data in own] for own in sets]
    item = item or pa.binary()
    of = {"fixed": pa.list_(item, 2), "large": pa.large_list(item)}.get(kind, pa.list_(item))
    found = trained.encode(pa.table({"set": pa.array(sets, of)}))["pairs_vector"]
    np.testing.assert_array_equal(found, expected)


def test_sliced_batches_keep_their_own_images(trained):
    batch = pa.RecordBatch.from_pydict(rows())
    whole = trained.encode(batch)["pairs_vector"]
    part = trained.encode(batch.slice(4, 5))["pairs_vector"]
    np.testing.assert_allclose(part, whole[4:9], atol=1e-4)


def test_bad_rows_say_which_file_is_broken(trained, tmp_path):
    path = tmp_path / "none.png"
    with pytest.raises(BadRows, match=r"row 1.*none\.png"):
        trained.encode(pa.table({"set": [[], [str(path)]]}))
    path.write_bytes(b"no image")
    good = tmp_path / "good.png"
    good.write_bytes(png(0, 0))
    with pytest.raises(BadRows, match=r"row 0: .*none\.png: this is no image"):
        trained.encode(pa.table({"set": [[str(good), str(path)]]}))
    with pytest.raises(BadRows, match=r"row 0: b\.png: this is no image"):
        trained.encode(pa.table({"set": [[{"bytes": b"none", "path": "b.png"}]]}))
    with pytest.raises(BadRows, match="row 0: an image of the set: this is no image"):
        trained.encode(pa.table({"set": [[b"none"]]}))


def test_pixels_are_refused_with_what_is_read_instead(trained):
    with pytest.raises(DataError, match="paths"):
        trained.encode(pa.table({"set": [[0.5, 0.25]]}))


def test_training_without_labels_names_the_column():
    with pytest.raises(MissingColumn, match="label"):
        small().train({"set": rows()["set"]})


def test_training_without_any_label_is_refused():
    with pytest.raises(DataError, match="no image with a label"):
        small().train({"set": rows()["set"], "label": pa.nulls(12, pa.string())})


def test_rows_without_a_label_are_left_out():
    table = rows()
    more = {name: [*table[name], *table[name][:2]] for name in ("set", "label")}
    more["label"][-2:] = [None, None]
    plain = {name: table[name] for name in ("set", "label")}
    assert small().train(more).fingerprint == small().train(plain).fingerprint


def test_the_artifact_needs_nothing_else(trained, tmp_path):
    path = trained.save(tmp_path / "pairs.safetensors")
    again = tokenry_core.load(path)
    given = rows()
    np.testing.assert_array_equal(
        again.encode(given)["pairs_vector"], trained.encode(given)["pairs_vector"]
    )


def test_a_pickled_tokenizer_works_without_its_module(trained):
    _ = trained.model
    again = pickle.loads(pickle.dumps(trained))
    assert again._model is None
    assert again == trained
    assert again.encode(rows()) == trained.encode(rows())


def test_weights_come_from_the_artifact_and_not_from_the_hub(trained, tmp_path, monkeypatch):
    """A tokenizer that began with published weights loads where there is no network."""
    from dataclasses import replace

    published = PairsTokenizer(replace(trained.config, pretrained=True))
    published.adopt(trained.state())
    path = published.save(tmp_path / "pairs.safetensors")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    given = rows()
    found = tokenry_core.load(path).encode(given)["pairs_vector"]
    np.testing.assert_array_equal(found, trained.encode(given)["pairs_vector"])


def test_stopping_leaves_a_checkpoint_from_which_training_goes_on(tmp_path):
    plan = {**PLAN, "num_epochs": 4}
    whole, parts = small(training=plan).train(rows()), small(training=plan)
    steps = []
    stopping = Session(workdir=tmp_path, stop=lambda: len(steps) > 1 or bool(steps.append(1)))
    with pytest.raises(NotTrained, match="train again"):
        parts.train(rows(), stopping)
    found = []
    going = Session(workdir=tmp_path, event=lambda name, values: found.append((name, values)))
    assert parts.train(rows(), going) == whole
    assert (tmp_path / "training.html").is_file()
    assert {"epoch", "checkpoint", "report"} <= {name for name, _ in found}


def test_panels_show_curves_and_the_worst_mistakes(trained):
    batch = pa.RecordBatch.from_pydict(rows())
    panels = list(trained.panels(batch, trained.encode(batch)))
    titles = ["ROC", "Precision and recall", "Calibration", "The worst mistakes"]
    assert [panel.title for panel in panels] == titles
    assert all(panel.image.startswith(b"<svg") for panel in panels)


def test_a_run_file_trains_encodes_and_reports(tmp_path, monkeypatch):
    for label in range(4):
        for number in range(6):
            path = tmp_path / "photos" / f"cat{label}" / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png(label, number))
    monkeypatch.chdir(tmp_path)
    run = {
        "source": {"name": "labeled-images", "path": "photos", "images_per_set": 2},
        "tokenizers": {"cats": {"name": "pairs", **MODEL, "validation": 0.5, "training": PLAN}},
        "sink": {"name": "parquet", "path": "tokens"},
        "engine": {"name": "local", "mode": "serial"},
    }
    summary = tokenry.train(run)
    assert list(summary.artifacts) == ["cats"]
    assert tokenry.encode(run).exit_code == 0
    assert "The worst mistakes" in write_report("tokens").read_text(encoding="utf-8")
    trainer = PairMatchingTrainer.load("artifacts/cats.safetensors")
    cat = sorted((tmp_path / "photos" / "cat0").iterdir())
    assert 0 < trainer.predict(cat[:2], cat[2:4]) < 1
