"""Budgets, phases and learning rates."""

import pytest

from tokenry_image import ImageConfig, ImageTraining
from tokenry_image._schedule import Budget, Phase, learning_rate, phases


def made(quantizer, fitted, **training):
    training = ImageTraining(**training)
    return phases(ImageConfig(quantizer=quantizer, training=training), fitted)


def test_a_fixed_grid_is_trained_at_once():
    assert made("fsq", fitted=False) == (Phase("joint", 0.0, 1.0),)


@pytest.mark.parametrize("quantizer", ["kmeans", "vq"])
def test_a_codebook_comes_after_its_share_of_the_budget(quantizer):
    found = made(quantizer, fitted=True, autoencoder_share=0.3)
    assert found == (Phase("autoencoder", 0.0, 0.3), Phase("codebook", 0.3, 1.0))


def test_an_encoder_that_knows_nothing_is_trained_before_its_codebook():
    assert [phase.name for phase in made("kmeans", fitted=False)] == ["autoencoder", "codebook"]
    assert [phase.name for phase in made("kmeans", fitted=True)] == ["codebook"]


def test_every_phase_ends_at_a_rate_of_zero():
    training, phase = ImageTraining(learning_rate=1.0), Phase("codebook", 0.4, 1.0)
    assert learning_rate(training, phase, 0.4) < 0.1
    assert learning_rate(training, phase, 0.4 + 0.6 * 0.02) == pytest.approx(1.0)
    assert learning_rate(training, phase, 1.0) == 0.0
    assert learning_rate(training, phase, 1.3) == 0.0


def test_seconds_before_an_interruption_count():
    budget = Budget(ImageTraining(minutes=1.0), spent=30.0)
    assert 0.5 <= budget.share(0) < 0.6
    assert Budget(ImageTraining(steps=10)).share(5) == 0.5
