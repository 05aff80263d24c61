import pickle

import numpy as np
import pyarrow as pa
import pytest

import tokenry_core
from tokenry_core.errors import ArtifactError, BadRows, ConfigError, DataError, MissingColumn
from tokenry_core.testing import ModelCase, ModelTests, TokenizerCase, TokenizerTests
from tokenry_dino import timm_family

SMALL = {"depth": 2, "embed_dim": 48, "num_heads": 3}


def rows_of(picture, count=8):
    sizes = [(84, 56), (56, 84), (70, 70), (30, 20)]
    images = [picture(*sizes[i % 4], seed=i) for i in range(count)]
    return {"image_id": [f"im{i}" for i in range(count)], "image": images}


class TestDinoPatch(TokenizerTests):
    @pytest.fixture
    def case(self, small, picture):
        buckets = ["84x56", "56x84", None, "84×56"] * 2  # noqa: RUF001
        rows = {**rows_of(picture), "aspect_bucket": buckets}
        rows["id"] = rows.pop("image_id")
        bad = {"id": ["x", "y"], "image": [b"no image", b""], "aspect_bucket": ["84x56", None]}
        return TokenizerCase(small(outputs=["patches", "cls"]), rows=rows, bad_rows=bad, many=24)


class TestTimmFactory(ModelTests):
    @pytest.fixture(params=["vit_small_patch14_dinov2", "vit_small_patch16_dinov3"])
    def case(self, request):
        size = (28, 42) if "14" in request.param else (32, 48)
        factory = timm_family.member(request.param)
        return ModelCase(
            factory, {"weights": "random", **SMALL}, size, run=lambda m, x: m(x).patches
        )


def test_fields_are_patches_grid_cls_and_registers(small, picture):
    tokenizer = small("dinov2_vits14_reg", outputs=["patches", "cls", "registers"])
    tokens = tokenizer.encode({"id": [1], "image": [picture(84, 56)]})
    assert tokens["dino_patches_flat"].shape == (24, 48)
    assert tokens["dino_grid"].tolist() == [[4, 6]]
    assert tokens["dino_cls"].shape == (1, 48)
    assert tokens["dino_registers"].shape == (1, 4, 48)


def test_patches_follow_the_prefix_in_the_models_own_output(small, picture):
    import torch

    tokenizer = small("dinov2_vits14_reg", outputs=["patches", "cls", "registers"])
    tokens = tokenizer.encode({"id": [1], "image": [picture(84, 56)]})
    backbone = tokenizer.backbone
    from tokenry_dino._decode import decode_image

    pixels = np.asarray(decode_image(picture(84, 56)), np.float32) / 255
    pixels = (pixels - np.float32(backbone.mean)) / np.float32(backbone.std)
    with torch.inference_mode():
        whole = backbone.vit.forward_features(torch.from_numpy(pixels).permute(2, 0, 1)[None])
    np.testing.assert_allclose(tokens["dino_cls"][0], whole[0, 0], atol=1e-5)
    np.testing.assert_allclose(tokens["dino_registers"][0], whole[0, 1:5], atol=1e-5)
    np.testing.assert_allclose(tokens["dino_patches_flat"], whole[0, 5:], atol=1e-5)


@pytest.mark.parametrize(
    ("outputs", "why"), [(["registers"], "no registers"), (["cls"], "no CLS token")]
)
def test_an_output_that_the_model_lacks_is_refused(small, patch_mean, outputs, why):
    model = "dinov2_vits14" if outputs == ["registers"] else patch_mean
    with pytest.raises(ConfigError, match=why):
        _ = small(model, outputs=outputs).spec


def test_the_bucket_column_decides_before_the_size(small, picture):
    table = {"id": [1], "image": [picture(84, 56)], "aspect_bucket": ["56x84"]}
    assert small().encode(table)["dino_grid"].tolist() == [[6, 4]]


def test_paths_are_read_as_well_as_bytes(small, picture, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(picture())
    table = pa.table({"id": [1, 2], "image": [str(path), str(path)]})
    read = small().encode(table)
    given = small().encode({"id": [1, 2], "image": [picture(), picture()]})
    assert np.array_equal(read["dino_patches_flat"], given["dino_patches_flat"])


def test_a_file_that_is_not_there_is_a_bad_row(small, tmp_path):
    with pytest.raises(BadRows, match="cannot be read"):
        small().encode(pa.table({"id": [1], "image": [str(tmp_path / "none.png")]}))


def test_a_missing_image_has_no_patches(small, picture):
    table = {"id": [1, 2], "image": [None, picture()]}
    tokens = small(outputs=["patches", "cls"]).encode(table)
    assert tokens["dino_patches_indptr"].tolist() == [0, 0, 24]
    assert np.isnan(tokens["dino_cls"][0]).all()
    assert np.isnan(tokens["dino_grid"][0]).all()


def test_a_bucket_that_is_none_is_a_bad_row(small, picture):
    table = {"id": [1], "image": [picture()], "aspect_bucket": ["wide"]}
    with pytest.raises(BadRows, match="WIDTHxHEIGHT"):
        small().encode(table)


def test_pixels_are_refused_with_what_is_read_instead(small):
    table = pa.table({"id": [1], "image": [[0.5, 0.25]]})
    with pytest.raises(DataError, match="encoded"):
        small().encode(table)


def test_a_table_without_images_names_the_column(small):
    with pytest.raises(MissingColumn, match="image"):
        small().encode({"id": [1], "picture": [b""]})


def test_batched_equals_one_by_one_within_the_tolerance(small, picture):
    rows = rows_of(picture, 12)
    tokenizer = small()
    together = tokenizer.encode(rows)["dino_patches_flat"]
    alone = [
        tokenizer.encode({"id": [i], "image": [image]})["dino_patches_flat"]
        for i, image in enumerate(rows["image"])
    ]
    tolerance = tokenizer.spec["dino_patches"].tolerance
    np.testing.assert_allclose(together, np.concatenate(alone), atol=tolerance, rtol=0)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_threads_that_decode_do_not_change_a_byte(small, picture, precision):
    rows = rows_of(picture, 12)
    found = []
    for _ in range(2):
        tokenizer = small(precision=precision)
        found.append(tokenizer.encode(rows)["dino_patches_flat"].tobytes())
    assert found[0] == found[1]


def test_no_image_is_embedded_once_a_row_of_the_batch_is_bad(small, picture, monkeypatch):
    tokenizer = small()
    embedded = []
    monkeypatch.setattr(tokenizer, "_embed", lambda group, *rest: embedded.append(group))
    images = [picture(), b"bad", *[picture(seed=i) for i in range(4)], b"worse"]
    with pytest.raises(BadRows) as caught:
        tokenizer.encode({"id": list(range(7)), "image": images})
    assert set(caught.value.rows) == {1, 6}
    assert embedded == []


def test_half_precision_is_stored_when_it_fits(small, picture):
    wide = small().encode({"id": [1], "image": [picture()]})["dino_patches_flat"]
    half = small(dtype="float16").encode({"id": [1], "image": [picture()]})["dino_patches_flat"]
    assert half.dtype == np.float16
    assert np.array_equal(half, wide.astype(np.float16))


def test_values_beyond_half_precision_are_a_bad_row_that_says_what_to_do(
    small, picture, monkeypatch
):
    tokenizer = small(dtype="float16")
    backbone = tokenizer.backbone
    forward = type(backbone).forward

    def large(self, images):
        found = forward(self, images)
        return found._replace(patches=found.patches * 1e6)

    monkeypatch.setattr(type(backbone), "forward", large)
    with pytest.raises(BadRows, match="set dtype to float32"):
        tokenizer.encode({"id": [1], "image": [picture()]})


def test_other_weights_have_another_fingerprint(small):
    first, again, other = small(seed=1), small(seed=1), small(seed=2)
    assert first.fingerprint == again.fingerprint
    assert first.state()["weights_sha256"].tobytes() != other.state()["weights_sha256"].tobytes()


def test_a_weights_file_counts_by_what_it_holds_not_where_it_lies(small, tmp_path):
    import torch

    vit = small(seed=3).backbone.vit
    torch.save(vit.state_dict(), tmp_path / "a.pt")
    torch.save(vit.state_dict(), tmp_path / "b.pth")
    a, b = (small(weights=str(tmp_path / name)) for name in ("a.pt", "b.pth"))
    assert a.fingerprint == b.fingerprint
    with torch.no_grad():
        vit.norm.bias += 1e-3
    torch.save(vit.state_dict(), tmp_path / "b.pth")
    assert small(weights=str(tmp_path / "b.pth")).fingerprint != a.fingerprint


def test_an_artifact_finds_its_weights_file_where_it_is_now(small, picture, tmp_path):
    import torch

    torch.save(small(seed=3).backbone.vit.state_dict(), tmp_path / "a.pt")
    tokenizer = small(weights=str(tmp_path / "a.pt"))
    path = tokenizer.save(tmp_path / "dino.safetensors")
    (tmp_path / "a.pt").rename(tmp_path / "moved.pt")
    loaded = tokenry_core.load(path, weights=str(tmp_path / "moved.pt"))
    rows = {"id": [1], "image": [picture()]}
    assert loaded.fingerprint == tokenizer.fingerprint
    assert np.array_equal(
        loaded.encode(rows)["dino_patches_flat"], tokenizer.encode(rows)["dino_patches_flat"]
    )


def test_an_artifact_without_its_weights_file_says_how_to_give_it(small, picture, tmp_path):
    import torch

    torch.save(small(seed=3).backbone.vit.state_dict(), tmp_path / "a.pt")
    path = small(weights=str(tmp_path / "a.pt")).save(tmp_path / "dino.safetensors")
    with pytest.raises(ConfigError, match='load\\(path, weights="FILE"\\)'):
        tokenry_core.load(path).encode({"id": [1], "image": [picture()]})


def test_an_artifact_refuses_other_weights(small, picture, tmp_path):
    import torch

    torch.save(small(seed=3).backbone.vit.state_dict(), tmp_path / "a.pt")
    torch.save(small(seed=4).backbone.vit.state_dict(), tmp_path / "b.pt")
    path = small(weights=str(tmp_path / "a.pt")).save(tmp_path / "dino.safetensors")
    loaded = tokenry_core.load(path, weights=str(tmp_path / "b.pt"))
    with pytest.raises(ArtifactError, match="was made with"):
        loaded.encode({"id": [1], "image": [picture()]})


def test_a_pickled_tokenizer_leaves_its_model_behind(small, picture):
    tokenizer = small()
    rows = {"id": [1], "image": [picture()]}
    tokens = tokenizer.encode(rows)
    data = pickle.dumps(tokenizer)
    assert len(data) < 10_000
    again = pickle.loads(data).encode(rows)
    assert np.array_equal(again["dino_patches_flat"], tokens["dino_patches_flat"])


def test_layers_and_norm_are_chosen(small, picture):
    rows = {"id": [1], "image": [picture()]}
    last = small(layer=-1).encode(rows)["dino_patches_flat"]
    assert np.array_equal(last, small(layer=1).encode(rows)["dino_patches_flat"])
    assert not np.allclose(last, small(layer=0).encode(rows)["dino_patches_flat"])
    assert not np.allclose(last, small(normalized=False).encode(rows)["dino_patches_flat"])
    np.testing.assert_allclose(last.mean(1), 0, atol=1e-4)


def test_a_layer_that_is_not_there_is_refused(small):
    with pytest.raises(ConfigError, match="layers 0 to 1"):
        _ = small(layer=2).spec


def test_a_model_that_is_no_backbone_is_refused(small):
    with pytest.raises(ConfigError, match="no vision transformer"):
        _ = small("timm/resnet18", options={"dynamic_img_size": True}).spec
