import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tokenry_core.errors import ConfigError, DataError, UnknownName
from tokenry_dino import seeded, timm_family, weights_digest
from tokenry_dino._family import ALIASES

SMALL = {"depth": 2, "embed_dim": 48, "num_heads": 3}


def make(weights="random", name="vit_small_patch14_reg4_dinov2", **options):
    return timm_family.member(name)(weights=weights, **{**SMALL, **options})


def same(a, b):
    return weights_digest(a).tobytes() == weights_digest(b).tobytes()


def test_random_weights_follow_the_seed_and_leave_torchs_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    assert same(make(seed=1), make(seed=1))
    assert not same(make(seed=1), make(seed=2))
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("suffix", ["safetensors", "pt", "pth"])
def test_a_file_gives_its_weights_whatever_the_seed(tmp_path, suffix):
    model = make(seed=1)
    path = tmp_path / f"model.{suffix}"
    save = save_file if suffix == "safetensors" else torch.save
    save(model.vit.state_dict(), path)
    assert same(make(str(path), seed=9), model)


@pytest.mark.parametrize("key", ["state_dict", "model", "teacher"])
def test_weights_within_a_training_checkpoint_are_found(tmp_path, key):
    model = make(seed=1)
    state = {f"module.{name}": value for name, value in model.vit.state_dict().items()}
    torch.save({key: state, "epoch": 3}, tmp_path / "model.pt")
    assert same(make(str(tmp_path / "model.pt")), model)


def test_the_naming_of_the_original_repository_is_converted(tmp_path):
    model = make(seed=1)
    state = dict(model.vit.state_dict())
    state["register_tokens"] = state.pop("reg_token")
    state["mask_token"] = torch.zeros(1, 48)
    cls_position = torch.zeros(1, 1, 48)
    state["pos_embed"] = torch.cat([cls_position, state["pos_embed"]], 1)
    torch.save(state, tmp_path / "model.pth")
    assert same(make(str(tmp_path / "model.pth")), model)


def test_a_classifier_is_left_out(tmp_path):
    model = make(seed=1, name="vit_tiny_patch16_224")
    state = {
        **model.vit.state_dict(),
        "head.weight": torch.ones(10, 48),
        "head.bias": torch.ones(10),
    }
    torch.save(state, tmp_path / "model.pt")
    assert same(make(str(tmp_path / "model.pt"), name="vit_tiny_patch16_224"), model)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda state: state.pop("norm.weight"), r"lacks norm\.weight"),
        (lambda state: state.update(strange=torch.ones(2)), "has strange"),
        (lambda state: state.update({"norm.weight": torch.ones(7)}), "size mismatch"),
        (lambda state: state.clear(), "no named tensors"),
    ],
    ids=["missing", "foreign", "shape", "empty"],
)
def test_a_file_of_other_weights_is_refused(tmp_path, change, why):
    state = dict(make().vit.state_dict())
    change(state)
    torch.save(state, tmp_path / "model.pt")
    with pytest.raises(DataError, match=why):
        make(str(tmp_path / "model.pt"))


class Hostile:
    def __reduce__(self):
        return (print, ("this ran",))


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path, capsys):
    torch.save({"state_dict": Hostile()}, tmp_path / "model.pt")
    with pytest.raises(DataError, match="could run code"):
        make(str(tmp_path / "model.pt"))
    assert "this ran" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["model.pt", "model.safetensors"])
def test_a_damaged_file_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"damaged")
    with pytest.raises(DataError, match="cannot be read as weights"):
        make(str(tmp_path / name))


def test_a_file_that_is_not_there_says_what_may_be_given():
    with pytest.raises(ConfigError, match='"random", or a'):
        make("none.pt")


def test_normalisation_counts_in_the_digest():
    model = make(seed=1)
    before = weights_digest(model)
    model.mean = (0.5, 0.5, 0.5)
    assert not np.array_equal(weights_digest(model), before)


def test_bfloat16_weights_have_a_digest():
    assert weights_digest(make().bfloat16()).shape == (32,)


def test_an_unknown_model_names_the_nearest():
    with pytest.raises(UnknownName, match='Did you mean "vit_small_patch14_dinov2"'):
        timm_family.member("vit_small_patch14_dino2")


def test_every_alias_is_a_model_of_timm():
    known = set(timm_family.members())
    assert set(ALIASES.values()) <= known


def test_a_model_may_be_named_with_timms_tag():
    assert timm_family.member("vit_small_patch14_dinov2.lvd142m").name.endswith("lvd142m")


def test_seeded_numbers_leave_torchs_generator_as_it_was():
    torch.manual_seed(1)
    with seeded(5):
        first = torch.rand(3)
    after = torch.rand(3)
    with seeded(5):
        assert torch.equal(torch.rand(3), first)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(3), after)
