"""Encoding, decoding and what is missing."""

import numpy as np
import pyarrow as pa
import pytest
import torch

import tokenry_core
from tokenry_core import Registry, tensor_column
from tokenry_core.errors import BadRows, ConfigError, DataError, MissingColumn, ShapeError
from tokenry_image import ImageTokenizer

SIZE = 8


def images(rows=12, bands=2, size=SIZE):
    rng = np.random.default_rng(0)
    return rng.normal(10, 3, size=(rows, bands, size, size)).astype(np.float32)


def tiny(**options):
    return ImageTokenizer(
        **{
            "cutout_size": SIZE,
            "bands": ["R", "G"],
            "codebook_size": 64,
            "options": {"width": 8, "blocks": 1},
            "training": {"steps": 3, "batch_size": 8},
            **options,
        }
    )


@pytest.fixture(scope="module")
def trained():
    return tiny().train(images())


def lists(values):
    return pa.array([None if row is None else np.ravel(row).tolist() for row in values])


def table(red, green):
    return pa.table({"splus_cut_R": lists(red), "splus_cut_G": lists(green)})


def test_default_is_24_by_24_tokens_of_twelve_bands():
    spec = ImageTokenizer().spec
    assert spec["image_tokens"].event == (24, 24)
    assert spec["image_tokens"].dtype == "uint16"
    assert spec["image_tokens"].codes == 1024
    assert spec["image_latents"].event == (2, 24, 24)
    assert len(ImageTokenizer().config.bands) == 12


@pytest.mark.parametrize("make", [np.asarray, torch.tensor], ids=["numpy", "torch"])
def test_arrays_and_columns_give_the_same_tokens(trained, make):
    values = images()
    expected = trained.encode(table(values[:, 0], values[:, 1]))
    found = trained.encode(make(values))
    assert np.array_equal(found["image_tokens"], expected["image_tokens"])


def test_one_tensor_column_of_all_bands(trained):
    one = tiny(column="cutout").train(images())
    found = one.encode({"cutout": tensor_column(images())})
    assert np.array_equal(found["image_tokens"], trained.encode(images())["image_tokens"])
    assert one.decode(found).column("cutout").type.shape == [2, SIZE, SIZE]


@pytest.mark.parametrize("batch_size", [1, 5, 100])
def test_batch_size_changes_nothing_but_near_ties(trained, batch_size):
    expected = trained.encode(images(50))
    found = trained.encode(images(50), batch_size=batch_size)
    differing = (expected["image_tokens"] != found["image_tokens"]).sum()
    assert differing <= expected.counts["near_ties"]
    assert np.allclose(expected["image_latents"], found["image_latents"], atol=1e-4)


def test_batch_size_has_to_be_positive(trained):
    with pytest.raises(ConfigError, match="batch_size: 0 was given"):
        trained.encode(images(), batch_size=0)


def test_other_sizes_give_other_grids(trained):
    tokens = trained.encode(images(3, size=20))
    assert tokens["image_tokens"].shape == (3, 5, 5)
    assert trained.decode(tokens).column("splus_cut_R").type.shape == [20, 20]


@pytest.mark.parametrize(("size", "nearest"), [(10, "8 and 12"), (3, "are 4")])
def test_sizes_that_are_no_multiple_are_refused_with_the_nearest(trained, size, nearest):
    with pytest.raises(ShapeError, match=nearest):
        trained.encode(images(3, size=size))


@pytest.mark.parametrize("shape", [(4, 2, 8, 12), (4, 3, 8, 8), (2, 8, 8)])
def test_arrays_of_another_shape_are_refused(trained, shape):
    with pytest.raises(ShapeError, match=r"expected is \(N, 2, H, H\)"):
        trained.encode(np.zeros(shape))


def test_images_that_are_not_square_are_refused(trained):
    columns = {name: tensor_column(np.zeros((2, 8, 4))) for name in ("splus_cut_R", "splus_cut_G")}
    with pytest.raises(ShapeError, match="expected are square"):
        trained.encode(columns)
    flat = pa.array([[0.0] * 60] * 2, pa.list_(pa.float32(), 60))
    with pytest.raises(ShapeError, match="not square"):
        trained.encode({"splus_cut_R": flat, "splus_cut_G": flat})


def test_text_is_refused(trained):
    with pytest.raises(DataError, match="holds no pixels"):
        trained.encode({"splus_cut_R": ["a"], "splus_cut_G": ["b"]})


def test_missing_band_is_named(trained):
    with pytest.raises(MissingColumn, match="splus_cut_G"):
        trained.encode({"splus_cut_R": tensor_column(images()[:, 0])})


def test_null_band_makes_the_row_missing(trained):
    values = images(3)
    tokens = trained.encode(table(values[:, 0], [values[0, 1], None, values[2, 1]]))
    assert (tokens["image_tokens"][1] == 64).all()
    assert np.isnan(tokens["image_latents"][1]).all()
    assert (tokens["image_tokens"][[0, 2]] < 64).all()
    assert tokens.counts["images_missing"] == 1
    assert trained.decode(tokens).column("splus_cut_R").null_count == 1


def test_wrong_length_and_no_finite_pixel_are_bad_rows(trained):
    values = images(4)
    red = [values[0, 0], values[1, 0, :3], values[2, 0], np.full((SIZE, SIZE), np.nan)]
    with pytest.raises(BadRows) as found:
        trained.encode(table(red, values[:, 1]))
    assert set(found.value.rows) == {1, 3}
    assert found.value.rows[1] == "splus_cut_R: the image has 24 pixels; expected are 64 (8 x 8)"
    assert found.value.rows[3] == "no finite pixel to be used in band R"


def test_bad_rows_are_numbered_over_parts_of_a_batch(trained):
    values = images(9)
    values[[2, 7], 0] = np.nan
    with pytest.raises(BadRows) as found:
        trained.encode(values, batch_size=2)
    assert set(found.value.rows) == {2, 7}


def test_absent_band_is_masked_where_another_is_there():
    tokenizer = tiny(absent_band="mask").train(images())
    values = images(4)
    red = [None, np.full((SIZE, SIZE), np.nan), None, values[3, 0]]
    tokens = tokenizer.encode(table(red, [values[0, 1], values[1, 1], None, values[3, 1]]))
    assert (tokens["image_tokens"][2] == 64).all()
    assert (tokens["image_tokens"][[0, 1, 3]] < 64).all()
    assert np.array_equal(tokens["image_tokens"][0] < 64, tokens["image_tokens"][1] < 64)
    assert tokens.counts["pixels_masked"] == 2 * SIZE**2
    with pytest.raises(BadRows):
        tokenizer.encode(table([np.full((SIZE, SIZE), np.nan)], [None]))


def test_pixels_that_are_not_finite_are_masked_and_counted(trained):
    values = images(2)
    values[1, 0, 2, 3:5] = np.inf
    tokens = trained.encode(values)
    assert tokens.counts["pixels_masked"] == 2
    assert np.isfinite(tokens["image_latents"]).all()


def test_pixels_outside_of_the_ellipse_do_not_matter():
    columns = {"semi_major": "a", "semi_minor": "b", "angle": "t"}
    tokenizer = tiny(ellipse=columns)
    values = images()
    shape = {"a": [3.0] * 12, "b": [1.5] * 12, "t": [30.0] * 12}

    def rows(values):
        both = {f"splus_cut_{b}": tensor_column(values[:, i]) for i, b in enumerate("RG")}
        return pa.table({**both, **shape})

    tokenizer.train(rows(values))
    y, x = np.mgrid[:SIZE, :SIZE] - 3.5
    t = np.deg2rad(30)
    u, v = x * np.cos(t) + y * np.sin(t), y * np.cos(t) - x * np.sin(t)
    inside = (u / 3) ** 2 + (v / 1.5) ** 2 <= 1
    tokens = tokenizer.encode(rows(values))
    outside_changed = np.where(inside, values, 1e6).astype(np.float32)
    inside_changed = np.where(inside, values + 30, values).astype(np.float32)
    same = tokenizer.encode(rows(outside_changed))
    other = tokenizer.encode(rows(inside_changed))
    assert np.array_equal(tokens["image_tokens"], same["image_tokens"])
    assert not np.array_equal(tokens["image_tokens"], other["image_tokens"])
    assert tokens.counts["pixels_masked"] == 12 * 2 * (~inside).sum()


def test_row_without_an_ellipse_is_taken_whole():
    columns = {"semi_major": "a", "semi_minor": "b", "angle": "t"}
    both = {f"splus_cut_{b}": tensor_column(images()[:, i]) for i, b in enumerate("RG")}
    nothing = pa.array([None] * 12, pa.float64())
    rows = pa.table({**both, "a": nothing, "b": nothing, "t": nothing})
    tokens = tiny(ellipse=columns).train(rows).encode(rows)
    assert tokens.counts["pixels_masked"] == 0


def test_saved_loaded_and_encoded_to_the_bit(trained, tmp_path):
    path = trained.save(tmp_path / "cutout.safetensors")
    loaded = tokenry_core.load(path, device="cpu")
    expected, found = trained.encode(images()), loaded.encode(images())
    assert np.array_equal(expected["image_tokens"], found["image_tokens"])
    assert np.array_equal(expected["image_latents"], found["image_latents"])


def test_reconstruction_is_in_the_units_of_the_data():
    y, x = np.mgrid[:SIZE, :SIZE]
    flat = np.random.default_rng(0).normal(1000, 50, size=(200, 2, 1, 1))
    values = (flat + 2 * x + y).astype(np.float32)
    tokenizer = tiny(training={"steps": 200, "batch_size": 32, "learning_rate": 3e-3}).train(values)
    decoded = tokenizer.decode(tokenizer.encode(values))
    red = np.stack(decoded.column("splus_cut_R").to_numpy_ndarray())
    assert (
        np.abs(red - values[:, 0]).mean() < 0.5 * np.abs(values[:, 0] - values[:, 0].mean()).mean()
    )


def test_latents_may_be_left_out(trained):
    tokens = tiny(latents=False).train(images()).encode(images())
    assert "image_latents" not in tokens
    assert np.array_equal(tokens["image_tokens"], trained.encode(images())["image_tokens"])


@pytest.fixture(scope="module", params=["fsq", "kmeans", "vq"])
def smooth(request):
    """A tokenizer of each quantiser, trained on images that have structure, and images."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE
    slopes = rng.normal(size=(400, 2, 3, 1, 1))
    values = slopes[:, :, 0] + slopes[:, :, 1] * x + slopes[:, :, 2] * y
    values = (values + rng.normal(0, 0.1, values.shape)).astype(np.float32)
    return tiny(quantizer=request.param, training={"steps": 20}).train(values), values


@pytest.mark.filterwarnings("ignore:TF32 acceleration")  # said when oneDNN is switched
@pytest.mark.parametrize("batch_size", [1, 7, 400])
def test_fewer_than_one_token_in_a_thousand_depends_on_batches_and_arithmetic(smooth, batch_size):
    tokenizer, values = smooth
    expected = tokenizer.encode(values)
    with torch.backends.mkldnn.flags(enabled=False):  # other kernels, as on another device
        found = tokenizer.encode(values, batch_size=batch_size)
    differing = (expected["image_tokens"] != found["image_tokens"]).sum()
    assert differing <= expected.counts["near_ties"]
    assert expected.counts["near_ties"] < 0.001 * expected["image_tokens"].size


def test_the_given_array_is_not_changed(trained):
    values = images()
    values[0, 0, 0, 0] = np.nan
    before = values.copy()
    trained.encode(values)
    assert np.array_equal(values, before, equal_nan=True)


def test_panels_show_images_psnr_and_codes(trained):
    batch = trained.open(images()).table.combine_chunks().to_batches()[0]
    panels = list(trained.panels(batch, trained.encode(batch)))
    assert [panel.title for panel in panels] == [
        "Originals and reconstructions",
        "PSNR of the bands",
        "Use of the codes",
    ]
    assert all(panel.image.startswith(b"<svg") for panel in panels)


class Halves(torch.nn.Module):
    """Somebody else's autoencoder: means of squares."""

    def __init__(self, bands, latent_dim, downsampling, levels, gain=1.0):
        super().__init__()
        self.pool = torch.nn.AvgPool2d(downsampling)
        self.mix = torch.nn.Conv2d(bands, latent_dim, 1)
        self.back = torch.nn.Conv2d(latent_dim, bands, 1)
        self.side, self.gain = downsampling, gain

    def encode(self, images):
        return self.mix(self.pool(images)) * self.gain

    def decode(self, latents):
        return torch.nn.functional.interpolate(self.back(latents), scale_factor=self.side)


def factory(**options):
    return Halves(**options)


@pytest.fixture
def registered(monkeypatch):
    models = Registry("tokenry.models")
    factory.kind = "autoencoder"
    monkeypatch.setitem(models._loaded, "halves", factory)


def test_somebody_elses_model_is_found_by_name(registered):
    tokenizer = tiny(model="halves", options={"gain": 2.0}).train(images())
    assert "network.mix.weight" in tokenizer.state()
    assert tokenizer.encode(images())["image_tokens"].shape == (12, 2, 2)


def test_option_that_a_model_has_not_is_named(registered):
    with pytest.raises(ConfigError, match="gein"):
        tiny(model="halves", options={"gein": 2.0}).train(images())


def test_model_of_another_kind_is_refused(registered, monkeypatch):
    monkeypatch.setattr(factory, "kind", "backbone", raising=False)
    with pytest.raises(ConfigError, match='one of kind "autoencoder"'):
        tiny(model="halves", options={}).train(images())


def test_model_that_makes_another_shape_is_refused(registered, monkeypatch):
    monkeypatch.setattr(Halves, "encode", lambda self, images: images[:, :, ::2, ::2])
    with pytest.raises(ConfigError, match=r"latents of shape \(1, 2, 4, 4\)"):
        tiny(model="halves", options={}).train(images())
