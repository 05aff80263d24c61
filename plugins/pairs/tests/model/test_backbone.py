import pytest
import torch

from tokenry_core import Registry
from tokenry_core.errors import ConfigError, DataError, ShapeError, UnknownName
from tokenry_core.testing import ModelCase, ModelTests
from tokenry_pairs import TokenExtractorBackbone
from tokenry_pairs.compat import get_model
from tokenry_pairs.model import BACKBONES, PairMatchingFactory

SMALL = {"img_size": 8, "patch_size": 2, "embed_dim": 32, "depth": 2, "num_heads": 2}


def tiny(name="vit_b_16", **options):
    return TokenExtractorBackbone(name, pretrained=False, **options, **SMALL)


def pair(generator):
    return torch.randn(2, 2, 3, 3, 8, 8, generator=generator)


class TestPairMatching(ModelTests):
    @pytest.fixture
    def case(self):
        config = {"pretrained": False, "embed_dim": 16, "backbone_options": SMALL}
        factory = PairMatchingFactory("vit_b_16")
        return ModelCase(factory, config, inputs=pair, run=lambda model, sets: model(*sets))


def test_vit_b_16_gives_197_tokens_of_width_768():
    backbone = TokenExtractorBackbone("vit_b_16", pretrained=False, depth=1)
    assert backbone(torch.zeros(2, 3, 224, 224)).shape == (2, 197, 768)
    assert (backbone.get_num_tokens(), backbone.get_token_dim()) == (197, 768)
    assert backbone.image_size == (224, 224)


def test_the_tokens_are_those_of_the_model_in_their_order():
    backbone, images = tiny().eval(), torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(backbone(images), backbone.model.vit.forward_features(images))


def test_registers_come_between_class_token_and_patches():
    backbone = tiny("timm/vit_small_patch14_reg4_dinov2").eval()
    images = torch.randn(2, 3, 8, 8)
    tokens = backbone(images)
    assert tokens.shape[1] == backbone.get_num_tokens() == 1 + 4 + 16
    torch.testing.assert_close(tokens, backbone.model.vit.forward_features(images))


def test_a_frozen_backbone_gets_no_gradient_and_the_rest_does(small):
    model = small(freeze_backbone=True).train()
    model(*torch.randn(2, 2, 3, 3, 8, 8)).sum().backward()
    assert all(p.grad is None for p in model.backbone.parameters())
    assert all(p.grad is not None for p in model.pooling.parameters())
    assert all(p.grad is not None for p in model.head.parameters())


def test_an_unfrozen_backbone_gets_gradient_everywhere(small):
    model = small().train()
    model(*torch.randn(2, 2, 3, 3, 8, 8)).sum().backward()
    lost = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum()]
    assert not lost


def test_gradient_passes_through_a_mask(small):
    model = small().train()
    mask = torch.tensor([[True, False, True], [True, True, True]])
    model(*torch.randn(2, 2, 3, 3, 8, 8), mask, mask).sum().backward()
    assert all(p.grad is not None for p in model.backbone.parameters())


def test_a_frozen_backbone_stays_in_evaluation_mode(small):
    model = small(freeze_backbone=True, backbone={"proj_drop_rate": 0.5}).train()
    assert model.training
    assert not any(module.training for module in model.backbone.model.modules())
    images = torch.randn(2, 3, 8, 8)
    assert torch.equal(model.tokens(images), model.tokens(images))


def test_thawing_brings_gradient_and_training_mode_back(small):
    model = small(freeze_backbone=True).train()
    model.backbone.freeze(False)
    assert all(module.training for module in model.backbone.modules())
    assert all(p.requires_grad for p in model.backbone.parameters())


def test_the_same_seed_gives_the_same_weights(small):
    one, same, other = small(seed=1), small(seed=1), small(seed=2)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not torch.equal(one.pooling.project.weight, other.pooling.project.weight)
    before = torch.random.get_rng_state()
    small(seed=4)
    assert torch.equal(before, torch.random.get_rng_state())


def test_weights_are_read_from_a_file(tmp_path):
    from safetensors.torch import save_file

    source = tiny(seed=5)
    save_file(source.model.vit.state_dict(), tmp_path / "vit.safetensors")
    loaded = tiny(weights=str(tmp_path / "vit.safetensors"))
    images = torch.randn(1, 3, 8, 8)
    assert torch.equal(source(images), loaded(images))


def test_an_unreachable_hub_names_the_offline_ways(monkeypatch):
    from tokenry_dino._timm import import_timm

    def unreachable(*args, **options):
        raise OSError("no route to host")

    monkeypatch.setattr(import_timm(), "create_model", unreachable)
    with pytest.raises(DataError, match=r"no route.*weights=FILE.*pretrained=False"):
        TokenExtractorBackbone("vit_b_16")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("vit_b16", r'Did you mean "vit_b_16"'),
        ("timm/vit_nothing_patch16", 'timm has no model "vit_nothing_patch16"'),
    ],
)
def test_an_unknown_backbone_lists_what_there_is(name, why):
    with pytest.raises(UnknownName, match=why):
        TokenExtractorBackbone(name)


def test_a_model_that_is_no_backbone_is_refused():
    with pytest.raises(ConfigError, match="kind 'pair-matching'"):
        TokenExtractorBackbone("pair-matching/vit_b_16")


def test_images_of_another_shape_are_refused(small):
    with pytest.raises(ShapeError, match=r"\(3, 8, 8\).*\(B, 3, H, W\)"):
        tiny()(torch.zeros(3, 8, 8))
    with pytest.raises(ShapeError, match=r"\(2, 3, 8, 8\).*\(sets, images, 3, H, W\)"):
        small()(torch.zeros(2, 3, 8, 8), torch.zeros(2, 3, 8, 8))


def test_cls_mean_needs_a_class_token(small):
    with pytest.raises(ConfigError, match="has none"):
        small(pooling_type="cls_mean", backbone={"class_token": False, "global_pool": "avg"})


@pytest.mark.parametrize("name", BACKBONES)
def test_every_short_name_is_a_model_of_timm(name):
    family = Registry("tokenry.models").family("timm")
    assert BACKBONES[name].removeprefix("timm/") in set(family.members())


def test_the_family_is_found_by_name():
    factory = Registry("tokenry.models")["pair-matching/vit_b_16"]
    assert factory.kind == "pair-matching"
    assert factory.backbone_name == "vit_b_16"
    assert Registry("tokenry.models")["pair-matching/timm/vit_tiny_patch16_224"] is not None


def test_a_model_is_had_by_one_word():
    model = get_model("pair_matching_vit_b_16", pretrained=False, backbone_options=SMALL)
    assert model.arguments["backbone_name"] == "vit_b_16"
    with pytest.raises(UnknownName, match="pair_matching_vit_b_32"):
        get_model("matching_vit_b_16")


def test_predictions_are_probabilities_of_the_logits(small):
    model, (a, b) = small().eval(), torch.randn(2, 4, 2, 3, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(model.predict(a, b), model(a, b)[:, 0].sigmoid())


def test_arguments_make_the_model_again(small):
    from tokenry_pairs import PairMatchingModel

    model = small(pooling_type="mean", seed=9)
    again = PairMatchingModel(**model.arguments)
    assert again.state_dict().keys() == model.state_dict().keys()
    assert all(torch.equal(v, again.state_dict()[k]) for k, v in model.state_dict().items())


@pytest.mark.parametrize("width", [0, "8", 2.0])
def test_a_width_of_vectors_that_cannot_be_is_refused(small, width):
    with pytest.raises(ConfigError, match="embed_dim: .* allowed is a number from 1"):
        small(embed_dim=width)
