"""Validation: every image is looked at once, and the logits are those of the model itself."""

import numpy as np
import pytest
import torch

from tokenry_pairs import PairMatchingModel, train_pair_matching_model
from tokenry_pairs.data import ImageTransform
from tokenry_pairs.training import TrainingPlan
from tokenry_pairs.training._images import Images
from tokenry_pairs.training._inputs import CachedInputs, LiveInputs
from tokenry_pairs.training._pairs import PairSampler
from tokenry_pairs.training._validation import score_draws


@pytest.fixture
def seen(monkeypatch):
    """The number of images of every batch that the backbone gets."""
    counts = []
    tokens = PairMatchingModel.tokens
    monkeypatch.setattr(
        PairMatchingModel, "tokens", lambda self, x: counts.append(len(x)) or tokens(self, x)
    )
    return counts


def scored(model, table, count=60, cached=False):
    images = Images(table, ImageTransform.of(model.backbone))
    plan = TrainingPlan(images_per_set=(1, 3), batch_size=7)
    draws = PairSampler(images.groups, plan, 1).draws(count)
    inputs = (
        CachedInputs(model, images, "cpu", "float32", None)
        if cached
        else LiveInputs(model, images, "cpu")
    )
    return images, score_draws(model, draws, inputs, "cpu", "float32")


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("pooling", ["mean", "attention", "cls_mean"])
def test_logits_are_those_of_each_pair_alone(make_model, make_people, pooling, cached):
    model = make_model("concat_mlp", pooling).train()
    images, scores = scored(model, make_people(images=12), cached=cached)
    assert model.training
    model.eval()
    with torch.no_grad():
        alone = [model(*(images.pixels(s)[None] for s in pair)).item() for pair in scores.rows]
    np.testing.assert_allclose(scores.logits, alone, rtol=1e-4, atol=1e-5)
    owner = {row: label for label, rows in images.groups.items() for row in rows}
    same = [owner[int(a[0])] == owner[int(b[0])] for a, b in scores.rows]
    assert scores.same.tolist() == same


def test_the_backbone_sees_each_drawn_image_once(make_model, make_people, seen):
    _, scores = scored(make_model(), make_people(labels=5, images=10), count=200)
    drawn = {int(row) for pair in scores.rows for side in pair for row in side}
    assert sum(seen) == len(drawn) == 50
    assert max(seen) <= 32


def test_each_epoch_of_an_unfrozen_training_validates_in_one_pass(make_model, make_people, seen):
    table = make_people(labels=4, images=6)
    held = table.y >= 2
    train_pair_matching_model(
        make_model(), table[~held], table[held], 4, 2, batch_size=4, num_epochs=2
    )
    assert [count for count in seen if count == 12] == [12] * 3  # two epochs, and the best weights
