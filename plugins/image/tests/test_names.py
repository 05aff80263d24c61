"""Names that users write, beside the tokenizer's own."""

from tokenry_core import ModelFactory
from tokenry_image import AutoencoderFactory, Ellipse, ImageConfig, conv_autoencoder


def test_the_built_in_network_comes_from_a_factory_of_autoencoders():
    assert isinstance(conv_autoencoder, AutoencoderFactory)
    assert isinstance(conv_autoencoder, ModelFactory)
    assert conv_autoencoder.kind == "autoencoder"


def test_an_ellipse_is_given_by_its_columns():
    ellipse = Ellipse(semi_major="a", semi_minor="b", angle="theta")
    assert ellipse.factor == 1.0
    assert ImageConfig(ellipse=ellipse).ellipse == ellipse
