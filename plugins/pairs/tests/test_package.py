import subprocess
import sys

import pytest

import tokenry_pairs
from tokenry_core import Registry


def test_importing_the_package_and_its_source_loads_nothing_heavy():
    code = (
        "import sys, tokenry_pairs; from tokenry_pairs import LabeledImagesSource,"
        " pair_matching_family, check_leakage;"
        " print([m for m in ('torch', 'timm', 'pandas', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", tokenry_pairs.__all__)
def test_every_public_name_is_there(name):
    assert getattr(tokenry_pairs, name) is not None


@pytest.mark.parametrize(
    ("group", "name"),
    [("tokenry.models", "pair-matching/vit_b_16"), ("tokenry.sources", "labeled-images")],
)
def test_every_entry_point_is_found_by_name(group, name):
    assert Registry(group)[name] is not None


def test_the_family_lists_the_names_of_torchvisions_manner_and_makes_any_backbones_model():
    family = tokenry_pairs.pair_matching_family
    assert "vit_b_16" in family.members()
    small = {"img_size": 8, "patch_size": 4, "embed_dim": 16, "depth": 1, "num_heads": 2}
    made = family.member("vit_ti_16")(pretrained=False, backbone_options=small, embed_dim=4)
    assert isinstance(made, tokenry_pairs.PairMatchingModel)
