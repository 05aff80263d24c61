from pathlib import Path

import numpy as np
import torch

from tokenry_pairs import PairMatchingModel
from tokenry_pairs.data import ImageTransform
from tokenry_pairs.training._draw import Draw
from tokenry_pairs.training._images import Images
from tokenry_pairs.training._inputs import CachedInputs, LiveInputs, tokens_folder
from tokenry_pairs.training._step import PairStep


def draw_of(sets, labels, left, right):
    sets = [np.array(rows) for rows in sets]
    labels, left, right = np.array(labels), np.array(left), np.array(right)
    return Draw(sets, labels, left, right, labels[left] == labels[right])


def inputs_of(model, df):
    images = Images(df, ImageTransform.of(model.backbone))
    return LiveInputs(model, images, "cpu"), CachedInputs(model, images, "cpu", "float32", None)


@torch.no_grad()
def test_a_step_gives_what_the_model_gives(make_model, make_people):
    model = make_model("concat_mlp").eval()
    live, cached = inputs_of(model, make_people(3, 4))
    draw = draw_of([[0, 1], [4], [8, 9]], [0, 1, 2], [0, 0, 1], [1, 2, 2])
    pixels = live.images.pixels(np.arange(12))
    expected = [
        float(model(pixels[None, draw.sets[a]], pixels[None, draw.sets[b]]))
        for a, b in zip(draw.left, draw.right, strict=True)
    ]
    for inputs in (live, cached):
        found = PairStep(model)(inputs(draw, 0)).logits
        np.testing.assert_allclose(found, expected, atol=1e-5)


@torch.no_grad()
def test_harder_negatives_are_the_most_alike_of_others(make_model, make_people):
    model = make_model().eval()
    live, _ = inputs_of(model, make_people(4, 4))
    sets = [[0], [4], [8], [1], [9], [12]]
    draw = draw_of(sets, [0, 1, 2, 0, 2, 3], [0, 1, 2], [3, 4, 5])
    given = live(draw, 0)
    found = PairStep(model)(given, harder=True)
    table = model.score_all(found.vectors[:3], found.vectors[3:])
    others = [[4, 5], [3, 4, 5], [3, 5]]  # sets of other individuals
    hardest = [max(float(table[row, one - 3]) for one in own) for row, own in enumerate(others)]
    expected = [float(table[0, 0]), *hardest[1:]]  # the first pair is a positive
    np.testing.assert_allclose(found.logits, expected, atol=1e-5)


@torch.no_grad()
def test_without_another_individual_a_negative_stays(make_model, make_people):
    model = make_model().eval()
    live, _ = inputs_of(model, make_people(2, 4))
    draw = draw_of([[0], [4], [1], [5]], [0, 1, 0, 1], [0, 1], [3, 2])
    same = live(draw_of([[0], [1]], [0, 0], [0], [1]), 0)._replace(same=torch.zeros(1))
    kept = PairStep(model)(same, harder=True).logits
    np.testing.assert_allclose(kept, PairStep(model)(same).logits, atol=1e-6)
    assert live(draw, 0).pixels.shape[0] == 4


def test_each_image_of_a_step_is_loaded_once(make_model, make_people):
    live, _ = inputs_of(make_model(), make_people(2, 4))
    given = live(draw_of([[0, 1, 2], [2, 1, 0]], [0, 0], [0], [1]), 0)
    assert given.pixels.shape[0] == 3
    assert given.where.tolist() == [[0, 1, 2], [2, 1, 0]]


def test_tokens_of_another_layer_precision_or_view_have_a_folder_of_their_own():
    def folder(precision="float32", view="a", **options):
        options = {"img_size": 8, "patch_size": 4, "embed_dim": 16, "num_heads": 2, **options}
        model = PairMatchingModel(pretrained=False, backbone_options={"depth": 2, **options})
        return tokens_folder(Path("tokens"), model, precision, view)

    changed = [folder(layer=0), folder(normalized=False), folder("bfloat16"), folder(view="b")]
    assert folder() == folder()
    assert len({folder(), *changed}) == 5
