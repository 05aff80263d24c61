import subprocess
import sys

import pytest

import tokenry_dino
from tokenry_core import Registry
from tokenry_dino._family import ALIASES

DECLARED = """
import sys
from tokenry_dino._timm import _declared, import_timm
timm = import_timm()
assert import_timm() is timm
import torchvision, torch
print(len(_declared), hasattr(torch.ops.torchvision, "nms"))
"""


def run(code):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_package_and_its_entry_points_loads_nothing_heavy():
    code = (
        "import sys, tokenry_dino; from tokenry_dino import bucket_input_size, ImagesSource,"
        " NpySink, DinoPatchTokenizer, DinoPatchConfig; import tokenry_dino._family;"
        " import tokenry_dino._command; DinoPatchTokenizer();"
        " print([m for m in ('torch', 'timm', 'torchvision') if m in sys.modules])"
    )
    assert run(code) == "[]"


def test_timm_is_imported_where_torchvisions_operators_do_not_load():
    count, there = run(DECLARED).split()
    assert there == "True"
    assert count in ("0", "1")


def test_schemas_are_declared_only_when_the_operators_are_missing(monkeypatch):
    from tokenry_dino import _timm

    _timm.import_timm()  # whatever that needs here, it was had before
    _timm.import_timm.cache_clear()
    monkeypatch.setattr(_timm, "_declare", lambda: pytest.fail("declared without need"))
    monkeypatch.setattr(_timm, "_operators_missing", lambda: False)
    _timm.import_timm()
    _timm.import_timm.cache_clear()


@pytest.mark.parametrize("name", tokenry_dino.__all__)
def test_every_public_name_is_there(name):
    assert getattr(tokenry_dino, name) is not None


@pytest.mark.parametrize(
    ("group", "name"),
    [
        ("tokenry.tokenizers", "dino-patch"),
        ("tokenry.sources", "images"),
        ("tokenry.sinks", "npy"),
        ("tokenry.sinks", "webdataset"),
        ("tokenry.commands", "dino"),
        ("tokenry.models", "timm/vit_small_patch14_dinov2"),
        *[("tokenry.models", alias) for alias in ALIASES],
    ],
)
def test_every_entry_point_is_found_by_name(group, name):
    assert Registry(group)[name] is not None


def test_an_alias_is_the_timm_model():
    found = Registry("tokenry.models")["dinov3_vitl16"]
    assert found.name == "vit_large_patch16_dinov3"
    assert found.kind == "backbone"
