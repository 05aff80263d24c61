import numpy as np
import pytest
import torch

from tokenry_core.errors import ConfigError
from tokenry_dino import Features, timm_family
from tokenry_dino._forward import Forward

SMALL = {"depth": 3, "embed_dim": 96, "num_heads": 3, "init_values": 1.0}


def backbone(name="vit_small_patch14_reg4_dinov2"):
    return timm_family.member(name)(weights="random", **SMALL)


def views(count=3, height=56, width=84):
    return list(np.random.default_rng(0).integers(0, 256, (count, height, width, 3), np.uint8))


@pytest.mark.parametrize("name", ["vit_small_patch14_reg4_dinov2", "vit_small_patch16_dinov3"])
def test_bfloat16_points_where_float32_does(name):
    side = 64 if "16" in name else 56
    exact = Forward(backbone(name), "cpu", "float32")(views(2, side, 2 * side))
    half = Forward(backbone(name), "cpu", "bfloat16")(views(2, side, 2 * side))
    for one, other in zip(exact, half, strict=True):
        assert torch.cosine_similarity(one, other, dim=-1).min() > 0.999
    assert not torch.equal(exact.patches, half.patches)
    assert half.patches.dtype == torch.float32


def test_views_are_normalised_as_the_model_asks():
    model = backbone()
    pixels = torch.from_numpy(np.stack(views())).permute(0, 3, 1, 2) / 255
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (model.mean, model.std))
    with torch.inference_mode():
        expected = model((pixels - mean) / std)
    found = Forward(model, "cpu", "float32")(views())
    torch.testing.assert_close(found.patches, expected.patches, atol=1e-4, rtol=0)
    torch.testing.assert_close(found.registers, expected.registers, atol=1e-4, rtol=0)


class Tight:
    """A backbone whose memory holds two images at a time."""

    token_dim, patch_size, has_cls, registers = 1, 14, True, 0
    mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)

    def __init__(self, most=2):
        self.most, self.sizes = most, []

    def num_tokens(self, height, width):
        return (height // 14) * (width // 14)

    def __call__(self, images):
        self.sizes.append(len(images))
        if len(images) > self.most:
            raise torch.OutOfMemoryError("too much")
        means = images.mean((1, 2, 3)).view(-1, 1, 1)
        return Features(means.expand(-1, 24, 1), means[:, 0])


def test_out_of_memory_halves_the_batch_and_stays_so():
    forward = Forward(Tight(), "cpu", "float32")
    images = views(8)
    found = forward(images)
    expected = Forward(Tight(most=8), "cpu", "float32")(images)
    assert torch.equal(found.patches, expected.patches)
    assert torch.equal(found.cls, expected.cls)
    assert found.registers is None
    assert forward.backbone.sizes == [8, 4, 2, 2, 4, 2, 2]
    assert forward.reductions == 3
    assert forward.images(56, 84) == 2


def test_one_image_that_does_not_fit_is_an_error():
    with pytest.raises(torch.OutOfMemoryError):
        Forward(Tight(most=0), "cpu", "float32")(views(2))


def test_halved_batches_are_counted_for_the_report(small, picture, monkeypatch):
    tokenizer = small()
    forward = tokenizer._ready()
    monkeypatch.setattr(forward, "backbone", Tight())
    images = {"id": list(range(4)), "image": [picture(seed=i) for i in range(4)]}
    monkeypatch.setattr(Tight, "token_dim", 48)
    monkeypatch.setattr(Tight, "__call__", halving(Tight.__call__))
    assert tokenizer.encode(images).counts == {"dino_batches_halved": 1}


def halving(call):
    def wide(self, images):
        found = call(self, images)
        return Features(found.patches.expand(-1, 24, 48))

    return wide


def test_threads_are_fixed_during_a_pass_and_given_back():
    before = torch.get_num_threads()
    seen = []

    class Watching(Tight):
        def __call__(self, images):
            seen.append(torch.get_num_threads())
            return super().__call__(images)

    Forward(Watching(), "cpu", "float32", threads=before + 1)(views(1))
    assert seen == [before + 1]
    assert torch.get_num_threads() == before


def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(ConfigError, match=r'runtime.device: "cuda:63" cannot be used'):
        Forward(Tight(), "cuda:63", "float32")
    with pytest.raises(ConfigError, match="gpu"):
        Forward(Tight(), "gpu", "float32")
