"""The built-in autoencoder starts from principal components."""

import pytest
import torch

from tokenry_core.errors import ConfigError
from tokenry_image import ImageConfig, conv_autoencoder
from tokenry_image._codec import inside
from tokenry_image._quantizers import make_quantizer


def squares(rank, images=40):
    """Images whose 4 x 4 x 2 squares are combinations of `rank` patterns around a mean."""
    generator = torch.Generator().manual_seed(0)
    patterns = torch.randn(rank, 32, generator=generator)
    weights = torch.randn(images, 4, 4, rank, generator=generator)
    flat = (weights @ patterns).movedim(-1, 1)
    return torch.nn.functional.pixel_shuffle(flat, 4) + torch.tensor([3.0, -1.0])[:, None, None]


def network(latent_dim=3, **options):
    return conv_autoencoder(bands=2, latent_dim=latent_dim, width=8, blocks=1, **options)


@pytest.mark.parametrize("encoder", ["conv", "base"])
def test_images_of_few_patterns_are_reconstructed_before_training(encoder):
    images, made = squares(3), network(encoder=encoder)
    made.begin(images)
    with torch.no_grad():
        error = (made(images) - images).square().mean()
    assert error < 0.05 * images.var()


def test_distances_between_latents_are_those_between_squares():
    images, made = squares(3), network()
    made.begin(images)
    with torch.no_grad():
        latents = made.encode(images).movedim(1, -1).reshape(-1, 3)
    rows = torch.nn.functional.pixel_unshuffle(images, 4).movedim(1, -1).reshape(-1, 32)
    rows = rows - rows.mean(0)
    near = torch.cdist(latents[:50], latents[:50]), torch.cdist(rows[:50], rows[:50])
    ratio = near[1][near[0] > 0.1] / near[0][near[0] > 0.1]
    assert ratio.max() / ratio.min() < 1.05


LEVELS = (5, 4, 3)


@pytest.fixture(scope="module")
def fitted():
    """Images, the network that starts from them, and the quantiser of its grid."""
    images, made = squares(2, 200), network(levels=LEVELS)
    made.begin(images)
    config = ImageConfig(codebook_size=60, latent_dim=3, bands=["R", "G"])
    assert config.levels == LEVELS
    return images, made, make_quantizer(config)


def test_words_of_the_grid_are_as_good_as_k_means(fitted):
    from sklearn.cluster import KMeans

    images, made, quantizer = fitted
    with torch.no_grad():
        found = made.decode(quantizer.lookup(quantizer.ids(made.encode(images))))
    rows = torch.nn.functional.pixel_unshuffle(images, 4).movedim(1, -1).reshape(-1, 32).numpy()
    least = KMeans(60, n_init=1, random_state=0).fit(rows).inertia_ / rows.size
    assert (found - images).square().mean() < 1.25 * least


def test_every_word_is_encoded_as_its_own_code(fitted):
    _, made, quantizer = fitted
    ids = torch.arange(60)[:, None, None]
    latents = made.base.encode(made.base.decode(quantizer.lookup(ids))[0])
    assert torch.equal(quantizer.ids(latents).long(), ids)


def test_neighbours_on_the_grid_look_alike(fitted):
    _, made, _ = fitted
    words = made.base.words.detach()
    apart = torch.cdist(made.base._points(), made.base._points())
    unlike = torch.cdist(words, words)
    assert unlike[apart == 1].mean() < 0.5 * unlike[apart > 3].mean()


def test_more_latents_than_pixels_are_possible():
    made = conv_autoencoder(bands=1, latent_dim=6, downsampling=2, width=8, blocks=0)
    made.begin(torch.randn(5, 1, 4, 4))
    assert made(torch.randn(2, 1, 4, 4)).shape == (2, 1, 4, 4)


@pytest.mark.parametrize(
    "options", [{"width": 0}, {"blocks": -1}, {"latent_dim": 0}, {"encoder": "transformer"}]
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ConfigError):
        conv_autoencoder(**{"bands": 1, **options})


def test_ellipse_is_turned_from_x_towards_y():
    found = inside(torch.tensor([[10.0, 1.0, torch.pi / 4]]), 9)[0]
    assert found.diagonal().all()
    assert not found.flip(1).diagonal()[:3].any()
