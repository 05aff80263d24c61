"""Ids, codewords, ties, and how many levels there are."""

import math
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenry_core.errors import ConfigError
from tokenry_image import ImageConfig
from tokenry_image._levels import fsq_levels
from tokenry_image._quality import code_use, psnr
from tokenry_image._quantizers import GRID_TIE, TIE, fit_words, make_quantizer


def made(kind, codes=64, dim=3):
    torch.manual_seed(0)
    latents = torch.randn(6, dim, 5, 4)
    quantizer = make_quantizer(
        ImageConfig(quantizer=kind, codebook_size=codes, latent_dim=dim)
    ).eval()
    quantizer.begin(latents, 0)
    return quantizer, latents


@pytest.mark.parametrize("kind", ["fsq", "kmeans", "vq"])
def test_training_and_encoding_agree(kind):
    quantizer, latents = made(kind)
    with torch.no_grad():
        quantized, ids = quantizer(latents)
    assert torch.equal(ids.long(), quantizer.ids(latents).long())
    assert torch.allclose(quantized, quantizer.lookup(ids), atol=1e-6)


@pytest.mark.parametrize("kind", ["kmeans", "vq"])
def test_ids_are_those_of_the_nearest_words(kind):
    quantizer, latents = made(kind)
    rows = latents.movedim(1, -1).reshape(-1, 3).numpy().astype(np.float64)
    words = quantizer.words.numpy().astype(np.float64)
    distances = ((rows[:, None] - words) ** 2).sum(-1)
    found = distances[np.arange(len(rows)), quantizer.ids(latents).numpy().ravel()]
    assert np.allclose(found, distances.min(1), atol=1e-5)


@pytest.mark.parametrize("kind", ["kmeans", "vq"])
def test_latent_on_a_boundary_is_a_near_tie(kind):
    quantizer, _ = made(kind)
    a, b = quantizer.words[0], quantizer.words[1:]
    b = b[(b - a).norm(dim=1).argmin()]
    middle = (a + b) / 2
    for step, tie in ((0.0, True), (0.5 * TIE, True), (20 * TIE, False)):
        latent = (middle + step * (b - a) / (b - a).norm())[None, :, None, None]
        ids = quantizer.ids(latent)
        assert quantizer.near_ties(latent, ids).item() is tie


def test_fsq_near_a_boundary_is_a_near_tie():
    quantizer, _ = made("fsq")
    low, high = -3.0, 3.0
    for _ in range(60):  # find where the first dimension's id changes
        middle = (low + high) / 2
        ends = [
            quantizer.ids(torch.tensor([[x, 0.3, 0.3]])[..., None, None]) for x in (low, middle)
        ]
        low, high = (middle, high) if torch.equal(*ends) else (low, middle)
    at = torch.tensor([[low, 0.3, 0.3], [low + 10 * GRID_TIE, 0.3, 0.3]])[..., None, None]
    ties = quantizer.near_ties(at, quantizer.ids(at))
    assert ties.flatten().tolist() == [True, False]


def test_unused_words_of_vq_are_revived():
    quantizer, latents = made("vq")
    book = quantizer.vq._codebook
    book.embed.data[0, :32] = 100.0
    book.embed_avg.data[0, :32] = 100.0 * book.cluster_size[0, :32, None]
    used = len(quantizer.ids(latents).unique())
    quantizer.train()
    for _ in range(300):
        quantizer(torch.randn(20, 3, 5, 4))
    quantizer.eval()
    assert len(quantizer.ids(torch.randn(100, 3, 5, 4)).unique()) > used


def test_fewer_latents_than_codes_repeat():
    words = fit_words(torch.tensor([[1.0, 2.0]])[..., None, None], 4, 0)
    assert words.tolist() == [[1.0, 2.0]] * 4


@settings(deadline=None)  # the machine may be busy
@given(st.integers(3, 5000), st.integers(1, 3))
def test_levels_multiply_to_the_codebook(codes, dim):
    try:
        levels = fsq_levels(codes, dim)
    except ConfigError:
        assert not any(math.prod(row) == codes for row in product(*[range(3, 12)] * dim))
        return
    assert math.prod(levels) == codes
    assert len(levels) == dim
    assert min(levels) >= 3


def test_codebook_without_levels_names_the_nearest_and_other_dimensions():
    with pytest.raises(ConfigError, match="the nearest that is one is 1008 or take latent_dim 1"):
        ImageConfig(codebook_size=1009)


def test_code_use_of_equal_shares_is_the_number_of_codes():
    assert code_use(np.full(10, 3)) == (10, 10.0)


def test_psnr_of_a_known_error():
    assert psnr(np.array([0.01]), np.array([1.0])).tolist() == [20.0]
