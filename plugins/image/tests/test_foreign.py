"""Weights of other programs."""

import numpy as np
import pytest
import torch

from tokenry_core.errors import DataError, NotTrained
from tokenry_image import ImageTokenizer, conv_autoencoder

SIZE = 8


def tiny(**options):
    return ImageTokenizer(
        **{
            "cutout_size": SIZE,
            "bands": ["R"],
            "codebook_size": 16,
            "stretch": "linear",
            "options": {"width": 8, "blocks": 1},
            "training": {"steps": 3, "batch_size": 8, "autoencoder_share": 0.0},
            **options,
        }
    )


def images():
    return np.random.default_rng(0).normal(size=(20, 1, SIZE, SIZE)).astype(np.float32)


@pytest.fixture
def network():
    torch.manual_seed(3)
    return conv_autoencoder(bands=1, latent_dim=2, levels=(4, 4), width=8, blocks=1)


def saved(path, content):
    torch.save(content, path)
    return path


@pytest.mark.parametrize(
    ("prefix", "container"),
    [("", None), ("module.", None), ("module.model.", "state_dict"), ("", "model_state_dict")],
)
def test_weights_are_loaded_under_their_names(tmp_path, network, prefix, container):
    state = {prefix + name: tensor for name, tensor in network.state_dict().items()}
    content = {container: state, "epoch": 3} if container else state
    tokenizer = tiny()
    loaded = tokenizer.load(saved(tmp_path / "autoencoder_splus_cuts.pt", content))
    assert loaded is tokenizer
    assert tokenizer.is_fitted
    latents = tokenizer.encode(images())["image_latents"]
    with torch.no_grad():
        assert np.allclose(latents, network.encode(torch.from_numpy(images())), atol=1e-5)


def test_key_map_translates_prefixes(tmp_path, network):
    names = {"encoder.": "enc.", "decoder.": "dec."}

    def foreign(name):
        prefix = next((p for p in names if name.startswith(p)), None)
        return name if prefix is None else names[prefix] + name.removeprefix(prefix)

    state = {foreign(name): tensor for name, tensor in network.state_dict().items()}
    path = saved(tmp_path / "w.pt", state)
    with pytest.raises(DataError, match=r"unexpected keys: dec\.0\.bias"):
        tiny().load(path)
    tokenizer = tiny().load_weights(path, {"enc.": "encoder.", "dec.": "decoder."})
    expected = network.state_dict()["decoder.0.weight"].numpy()
    assert np.array_equal(tokenizer.state()["network.decoder.0.weight"], expected)


def test_mismatch_lists_missing_unexpected_and_other_shapes(tmp_path, network):
    state = dict(network.state_dict())
    del state["decoder.0.weight"]
    state["encoder.bottleneck"] = torch.zeros(2)
    state["decoder.0.bias"] = torch.zeros(7)
    with pytest.raises(DataError) as error:
        tiny().load(saved(tmp_path / "w.pt", state))
    assert "missing keys: decoder.0.weight;" in str(error.value)
    assert "unexpected keys: encoder.bottleneck;" in str(error.value)
    assert "decoder.0.bias (7,) in place of (8,)" in str(error.value)


class Harmful:
    def __reduce__(self):
        return print, ("run",)


@pytest.mark.parametrize("content", [{"a": Harmful()}, Harmful()], ids=["inside", "whole"])
def test_code_in_a_file_is_not_run(tmp_path, content, capsys):
    with pytest.raises(DataError, match="could run code"):
        tiny().load(saved(tmp_path / "w.pt", content))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("content", [{}, [1, 2], {"epoch": 3}])
def test_file_without_tensors_is_refused(tmp_path, content):
    with pytest.raises(DataError, match="holds no named tensors"):
        tiny().load(saved(tmp_path / "w.pt", content))


def test_absent_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.pt"):
        tiny().load(tmp_path / "none.pt")


def test_learned_codebook_is_trained_on_the_latents_of_the_weights(tmp_path):
    network = conv_autoencoder(bands=1, latent_dim=2, width=8, blocks=1)
    path = saved(tmp_path / "w.pt", network.state_dict())
    training = {"steps": 3, "batch_size": 8, "autoencoder_share": 0.0}
    tokenizer = tiny(quantizer="kmeans", training=training).load(path)
    with pytest.raises(NotTrained):
        tokenizer.encode(images())
    tokenizer.train(images())
    for name, tensor in network.state_dict().items():
        if "encoder" in name:
            assert np.array_equal(tokenizer.state()[f"network.{name}"], tensor.numpy()), name
    assert tokenizer.encode(images())["image_tokens"].max() < 16


def test_device_may_be_given_with_weights(tmp_path, network):
    tokenizer = tiny().load(saved(tmp_path / "w.pt", network.state_dict()), batch_rows=7)
    assert tokenizer.runtime.batch_rows == 7
