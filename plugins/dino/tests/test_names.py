"""Names that users write, beside the tokenizer's own."""

import torch

from tokenry_dino import (
    Assigned,
    Backbone,
    Features,
    ImagesConfig,
    ImagesSource,
    NpyConfig,
    NpySink,
    PatchDataset,
    PatchSample,
    TimmBackbone,
    TimmFactory,
    TimmFamily,
    Verification,
    WebDatasetConfig,
    WebDatasetSink,
    assign_buckets,
    timm_family,
    verify_patches,
)
from tokenry_dino.compat import PASSES


def test_the_family_gives_factories_and_they_give_backbones():
    assert isinstance(timm_family, TimmFamily)
    factory = timm_family.member("vit_small_patch14_dinov2")
    assert isinstance(factory, TimmFactory)
    backbone = factory(weights="random", depth=1, embed_dim=48, num_heads=3)
    assert isinstance(backbone, TimmBackbone)
    assert Backbone.__annotations__.keys() <= vars(backbone).keys()
    found = backbone(torch.zeros(1, 3, 28, 42))
    assert isinstance(found, Features)
    assert found.patches.shape == (1, backbone.num_tokens(28, 42), 48)


def test_source_and_sinks_take_their_configurations(tmp_path):
    path = str(tmp_path)
    for cls, config in (
        (ImagesSource, ImagesConfig(path=path)),
        (NpySink, NpyConfig(path=path)),
        (WebDatasetSink, WebDatasetConfig(path=path)),
    ):
        assert cls(config).config is config


def test_results_have_names(tmp_path, picture, small):
    (tmp_path / "one.png").write_bytes(picture())
    tokenizer = small(dtype="float16")
    buckets = tokenizer.config.buckets
    assigned = assign_buckets(tmp_path, tmp_path / "data.jsonl", buckets=buckets)
    assert isinstance(assigned, Assigned)
    assert (assigned.buckets, assigned.unreadable) == ({"84x56": 1}, {})
    tokens = tokenizer.encode(ImagesSource(path=str(assigned.output)))
    for file in NpySink(path=str(tmp_path)).write("part", [tokens], {}):
        file.rename(file.with_suffix(""))
    sample = PatchDataset(tmp_path)[0]
    assert PatchSample.__annotations__.keys() == sample.keys()
    found = verify_patches(tmp_path, assigned.output, tokenizer.config)
    assert isinstance(found, Verification)
    assert found.exit_code == 0


def test_the_scripts_passes_are_known():
    assert set(PASSES) == {"migrate", "dinov3"}
