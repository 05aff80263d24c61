import pytest
import torch

from tokenry_core.errors import ConfigError
from tokenry_pairs import memory_needs
from tokenry_pairs._memory import _Live


def test_the_peak_counts_what_lives_at_once():
    there = torch.zeros(1000)
    with _Live() as live:
        kept = there + 1
        for _ in range(3):
            gone = kept * 2
            del gone
        there.view(10, 100).t()
    assert live.peak == 8000
    assert live.now == 4000


def test_weights_count_with_gradients_and_moments_where_they_learn(small):
    model = small()
    size = sum(4 * one.numel() for one in model.parameters())
    assert memory_needs(model).weights == size
    assert memory_needs(model, training=True).weights == 4 * size
    frozen = small(freeze_backbone=True)
    rest = size - sum(4 * one.numel() for one in frozen.backbone.parameters())
    assert memory_needs(frozen, training=True).weights == size + 3 * rest


def test_training_the_backbone_costs_more_for_each_image(small):
    asked, learned = memory_needs(small()), memory_needs(small(), training=True)
    frozen = memory_needs(small(freeze_backbone=True), training=True)
    tokens = 4 * 17 * 32
    assert tokens < asked.image < learned.image
    assert frozen.image == asked.image
    assert learned.pair > 0


def test_a_model_that_learns_nothing_is_measured_without_gradients(small):
    model = small().requires_grad_(False)
    assert memory_needs(model, training=True) == memory_needs(model)


def test_measuring_leaves_no_gradient(small):
    model = small()
    memory_needs(model, training=True)
    assert all(one.grad is None for one in model.parameters())


def test_a_batch_is_chosen_by_what_fits(small):
    needs = memory_needs(small(), images_per_set=4)
    assert needs.whole_pair == needs.pair + 8 * needs.image
    assert needs.pairs_in(needs.weights + 5 * needs.whole_pair + 1) == 5
    assert needs.pairs_in(0) == 0
    assert "2 x 4 images" in str(needs)
    with pytest.raises(ConfigError, match="images_per_set: 0"):
        memory_needs(small(), 0)
