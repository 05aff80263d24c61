from pathlib import Path

import numpy as np
import pytest
import torch

from tokenry_core.errors import ConfigError, DataError, ShapeError
from tokenry_pairs import SetPoolingModule
from tokenry_pairs.data import load_image
from tokenry_pairs.evaluation import match, score_blocks, score_matrix, set_vectors
from tokenry_pairs.model import REASONINGS


@pytest.mark.parametrize("reasoning", REASONINGS)
@pytest.mark.parametrize("memory", [1, 50_000, 1 << 30])
def test_blocks_of_any_size_make_the_whole_table(small, reasoning, memory):
    model = small(reasoning_type=reasoning)
    a, b = torch.randn(7, 16), torch.randn(5, 16)
    with torch.no_grad():
        whole = model.score_all(a, b).numpy()
    blocks = list(score_blocks(model, a, b, memory))
    seen = np.zeros(whole.shape, int)
    for rows, columns, logits in blocks:
        np.testing.assert_allclose(logits, whole[rows, columns], rtol=1e-4, atol=1e-5)
        seen[rows, columns] += 1
    assert (seen == 1).all()
    np.testing.assert_allclose(score_matrix(model, a.numpy(), b, memory), whole, 1e-4, 1e-5)


def test_vectors_are_those_of_each_set_and_each_image_alone(small, photos):
    df = photos({"rex": 3, "ada": 2}, size=(20, 30))
    sets = [list(df["x"][:3]), list(df["x"][3:])]
    model = small().train()
    found = set_vectors(model, sets)
    assert model.training
    assert found.sets.shape == (2, 16)
    assert [len(one) for one in found.images] == [3, 2]
    again = set_vectors(model, [[path] for path in df["x"]])
    torch.testing.assert_close(torch.cat(found.images), again.sets)
    torch.testing.assert_close(set_vectors(model, sets[1:]).sets, found.sets[1:])


def test_images_are_opened_a_few_at_a_time(small, photos, monkeypatch):
    from tokenry_pairs.evaluation import _vectors

    monkeypatch.setattr(_vectors, "IMAGES", 4)
    model, seen = small(), []
    tokens = model.tokens
    model.tokens = lambda images: seen.append(len(images)) or tokens(images)
    paths = list(photos({"rex": 5})["x"])
    found = set_vectors(model, [paths[:3], paths[3:4], paths, paths[:1]])
    assert seen == [4, 4, 2]
    assert len(found.sets) == 4


@pytest.fixture
def seeing(small):
    """A model that tells dark images from bright ones."""
    model = small(reasoning_type="siamese")

    def tokens(images):
        bright = images.mean((1, 2, 3))
        return torch.stack([bright, 1 - bright], 1)[:, None]

    model.tokens = tokens
    model.pooling = SetPoolingModule(2, 1, "mean")
    model.pooling.project = torch.nn.Identity()
    head = model.head.comparison
    head.project = torch.nn.Identity()
    model.head.input_dim = 2
    return model


@pytest.fixture
def shades(tmp_path):
    """Write a plain picture of a brightness."""
    from PIL import Image

    def write(value):
        path = tmp_path / f"{value}.png"
        Image.new("RGB", (8, 8), (value, value, value)).save(path)
        return str(path)

    return write


def grey(image):
    return torch.tensor(np.asarray(image)[0, 0, 0] / 255).float().expand(3, 8, 8)


def test_individuals_are_ranked_and_the_images_that_decide_are_named(seeing, shades):
    gallery = {
        "dark": [shades(10), shades(60)],
        "bright": [shades(250), shades(200)],
        "middle": [shades(128)],
    }
    queries = {"who": [shades(12), shades(55)]}
    (found,) = match(seeing, gallery, queries, transform=grey, evidence=2)
    assert found.query == "who"
    assert found.label == "dark"
    assert found.known
    assert [one.label for one in found.ranking] == ["dark", "middle", "bright"]
    likely = [one.probability for one in found.ranking]
    assert likely == sorted(likely, reverse=True)
    pairs = [(one.query_image, one.gallery_image) for one in found.evidence]
    assert pairs == [(shades(12), shades(10)), (shades(55), shades(60))]


def test_a_query_below_the_threshold_is_unknown_and_still_ranked(seeing, shades):
    gallery = {"dark": [shades(10)], "bright": [shades(250)]}
    queries = [[shades(11)], [shades(100)]]
    plain = match(seeing, gallery, queries, transform=grey, top=1)
    logits = [np.log(p / (1 - p)) for p in (m.ranking[0].probability for m in plain)]
    assert logits[0] > logits[1]
    found = match(seeing, gallery, queries, transform=grey, threshold=sum(logits) / 2)
    assert [one.label for one in found] == ["dark", None]
    assert [one.query for one in found] == [0, 1]
    assert not found[1].known
    assert found[1].ranking[0].label == "dark"


def test_matching_needs_sets(seeing, shades):
    with pytest.raises(DataError, match="empty gallery"):
        match(seeing, {}, [])
    with pytest.raises(DataError, match=r"queries\[0\]: a single image"):
        match(seeing, {"a": [shades(1)]}, [shades(1)])
    with pytest.raises(DataError, match=r"gallery\['a'\] has no image"):
        match(seeing, {"a": []}, [[shades(1)]])
    with pytest.raises(DataError, match="queries: None"):
        match(seeing, {"a": [shades(1)]}, None)
    with pytest.raises(DataError, match="gallery: None was given as a label"):
        match(seeing, {None: [shades(1)]}, [])
    with pytest.raises(ConfigError, match="top 0"):
        match(seeing, {"a": [shades(1)]}, [], top=0)
    assert match(seeing, {"a": [shades(1)]}, [], transform=grey) == []


def test_images_may_be_open_already(small, photos):
    paths = photos({"rex": 4})["x"][2:]  # a column of a table, whose first row is not 0
    model = small()
    opened = set_vectors(model, [[load_image(path) for path in paths]])
    torch.testing.assert_close(opened.sets, set_vectors(model, [paths]).sets)
    arrays = np.stack([np.asarray(load_image(path)) for path in paths])
    files = [Path(path).read_bytes() for path in paths]
    for sets in ([arrays], [files], iter([paths])):
        assert torch.equal(set_vectors(model, list(sets)).sets, opened.sets)


def test_a_column_of_a_table_is_a_set_whatever_its_index(small, photos):
    df, model = photos({"rex": 3, "ada": 3}), small()
    gallery = dict(list(df.groupby("y")["x"]))
    (found,) = match(model, gallery, {"who": df["x"][4:]})
    (again,) = match(model, {y: list(x) for y, x in gallery.items()}, [list(df["x"][4:])])
    assert found.ranking == again.ranking
    assert found.evidence == again.evidence


def test_vectors_of_another_width_are_refused(small):
    with pytest.raises(ShapeError, match=r"\(2, 7\).*\(sets, 16\)"):
        score_matrix(small(), np.zeros((2, 7), np.float32), np.zeros((2, 16), np.float32))
