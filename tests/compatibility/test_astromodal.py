"""The document "Astromodal Tokenizers": its code, apart from imports and from sizes."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

import tokenry
import tokenry_spectrum.kinds
from tokenry.cli import main
from tokenry_core import BaseTokenizer, NpzSink, TokenBatch, read_npz
from tokenry_core.compat import NpzNames
from tokenry_image import ImageTokenizer
from tokenry_scalar import ScalarTokenizer
from tokenry_spectrum import SpectrumTokenizer

ROWS = 60
SCALARS = ["mag_pstotal_r", "mag_pstotal_g", "mag_pstotal_i", "gaia_parallax", "gaia_pmra"]
GROUPS = [
    {"name": "desi_b", "kind": "flux_ivar", "flux_col": "desi_flux_b", "ivar_col": "desi_ivar_b"},
    {
        "name": "ztf_g",
        "kind": "ztf_mag_err",
        "mag_col": "ztf_mag_g",
        "err_col": "ztf_magerr_g",
        "time_col": "ztf_hmjd_g",
    },
]
BANDS = ["F378", "R"]
CONFIG = """
tokenizers:
  scalar:
    n_bins: 1024
    max_values_per_col: 2000000
    max_values_per_file_per_col: 100000

  spectrum:
    codebook_size: 2048
    groups:
      - desi_b
      - desi_r
      - desi_z
      - gaiaxp_bp
      - gaiaxp_rp

  image:
    cutout_size: 96
    latent_dim: 2
    codebook_size: 1024
    bands: [F378, F395, U, G, R, I, Z]
data:
  mag_filter: {min: 14.0, max: 22.0}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def parquet_files():
    """Write two small cubes of everything that the document reads."""
    random = np.random.default_rng(0)
    for name in ("datacube_1.parquet", "datacube_test.parquet"):
        curves = [random.normal(size=n) for n in random.integers(1, 9, ROWS)]
        columns = {"id": np.arange(ROWS)}
        columns |= {name: random.normal(18, 1, ROWS) for name in SCALARS}
        columns |= {f"desi_{kind}_b": list(random.gamma(2, size=(ROWS, 12))) for kind in "fi"}
        columns |= {f"ztf_{what}_g": curves for what in ("mag", "magerr", "hmjd")}
        columns |= {f"splus_cut_{b}": list(random.normal(size=(ROWS, 64))) for b in BANDS}
        renamed = {"desi_f_b": "desi_flux_b", "desi_i_b": "desi_ivar_b"}
        pq.write_table(pa.table({renamed.get(k, k): v for k, v in columns.items()}), name)
    return ["datacube_1.parquet"]


def saved(tokenizer, name):
    """Save under the name that the document uses."""
    with pytest.warns(UserWarning, match="never pickled"):
        tokenizer.save(name)
    return name


def image_tokenizer(**options):
    """Give a tokenizer whose network is small enough for a test."""
    small = {"options": {"width": 8, "blocks": 1}, "training": {"steps": 2, "batch_size": 8}}
    return ImageTokenizer(
        cutout_size=8, bands=BANDS, latent_dim=2, codebook_size=1024, **small, **options
    )


@pytest.mark.parametrize("cls", [ScalarTokenizer, SpectrumTokenizer, ImageTokenizer])
def test_all_tokenizers_inherit_the_standard_interface(cls):
    assert issubclass(cls, BaseTokenizer)
    assert issubclass(cls, NpzNames)
    assert not cls().is_fitted
    assert all(hasattr(cls, name) for name in ("train", "encode", "save", "load"))


def test_scalars_train_save_load_and_encode(parquet_files):
    tokenizer = ScalarTokenizer(
        n_bins=1024,
        scalar_columns=SCALARS,
        mag_filter_col="mag_pstotal_r",
        mag_min=14.0,
        mag_max=22.0,
        apply_row_filter=True,
        magerr_max=2.0,
        apply_magerr_filter=True,
        max_values_per_col=2_000_000,
        max_values_per_file_per_col=100_000,
        rng_seed=0,
    )
    tokenizer.train(parquet_files)
    tokenizer = ScalarTokenizer.load(saved(tokenizer, "scalar_tokenizer_config.npz"))
    result = tokenizer.encode("datacube_test.parquet")
    assert isinstance(result, TokenBatch)
    assert result["scalar_tokens"].shape == (ROWS, len(SCALARS))
    assert result["scalar_tokens"].dtype == np.uint16
    assert list(result["scalar_cols"]) == SCALARS
    assert result["ids"].dtype == np.int64
    assert (result["id_col"], result["N_BINS"]) == ("id", 1024)


def test_a_missing_value_is_a_token_or_the_bin_of_the_mean(parquet_files):
    rows = {"id": [1], **{name: [None] for name in SCALARS}}
    as_token = ScalarTokenizer(n_bins=8, scalar_columns=SCALARS).train(parquet_files)
    as_mean = ScalarTokenizer(n_bins=8, scalar_columns=SCALARS, missing="mean").train(parquet_files)
    table = pa.table(rows, pa.schema({"id": pa.int64(), **dict.fromkeys(SCALARS, pa.float64())}))
    assert (as_token.encode(table)["scalar_tokens"] == 8).all()
    assert (as_mean.encode(table)["scalar_tokens"] < 8).all()


def test_spectra_are_rectangular_and_light_curves_ragged(parquet_files):
    tokenizer = SpectrumTokenizer(
        codebook_size=16,
        max_features_per_group=2_000_000,
        max_rows_per_file=5000,
        max_points_per_row=2000,
        groups=GROUPS,
    )
    tokenizer.train(parquet_files)
    tokenizer = SpectrumTokenizer.load(saved(tokenizer, "spectrum_tokenizer_config.npz"))
    result = tokenizer.encode("datacube_test.parquet")
    assert result["tokens_desi_b"].shape == (ROWS, 12)
    start, end = result["tokens_ztf_g_indptr"][:2]
    assert result["tokens_ztf_g_flat"][start:end].dtype == np.uint16
    assert len(result["tokens_ztf_g_indptr"]) == ROWS + 1
    assert set(result) >= {"ids", "id_col"}


def test_light_curves_are_found_by_their_columns(parquet_files):
    found = SpectrumTokenizer(codebook_size=4).train(parquet_files)
    assert [field.name for field in found.spec.fields] == ["tokens_ztf_g"]


def test_kinds_of_groups_have_the_names_of_the_document():
    kinds = tokenry_spectrum.kinds
    named = {"flux_ivar": kinds.FluxIvar, "ztf_mag_err": kinds.ZtfMagErr}
    gaia = {"name": "gaiaxp_bp", "kind": "gaiaxpy_xp", "xp_band": "BP"}
    config = SpectrumTokenizer(groups=[*GROUPS, gaia]).config
    assert [group.kind for group in config.groups] == [*named, "gaiaxpy_xp"]
    assert config.groups[2].xp_band == "BP"


def test_images_are_trained_here_and_encoded_in_batches(parquet_files):
    tokenizer = image_tokenizer().train(parquet_files)
    name = saved(tokenizer, "image_tokenizer_config.npz")
    result = ImageTokenizer.load(name, device="cpu").encode("datacube_test.parquet", batch_size=32)
    assert result["image_tokens"].shape == (ROWS, 2, 2)
    assert result["image_tokens"].dtype == np.uint16
    assert result["image_latents"].shape == (ROWS, 2, 2, 2)
    assert result["image_latents"].dtype == np.float32


def test_weights_of_an_autoencoder_are_loaded(parquet_files):
    network = image_tokenizer().train(parquet_files).codec.network
    torch.save(network.state_dict(), "autoencoder_splus_cuts.pt")
    tokenizer = image_tokenizer()
    tokenizer.load("autoencoder_splus_cuts.pt")
    assert tokenizer.is_fitted
    assert tokenizer.encode("datacube_test.parquet")["image_tokens"].shape == (ROWS, 2, 2)


def test_output_is_written_as_npz_under_the_same_keys(parquet_files):
    tokens = (
        ScalarTokenizer(n_bins=8, scalar_columns=SCALARS)
        .train(parquet_files)
        .encode("datacube_test.parquet")
    )
    (partial,) = NpzSink(path=".").write("test", [tokens], {})
    partial.rename("test.npz")
    with np.load("test.npz") as file:  # refuses pickled objects
        assert np.array_equal(file["scalar_tokens"], tokens["scalar_tokens"])
        assert file["scalar_cols"].tolist() == SCALARS
    assert np.array_equal(read_npz("test.npz")["scalar_tokens"], tokens["scalar_tokens"])


def test_the_configuration_file_is_read_with_attributes():
    with open("config.yaml", "w") as file:
        file.write(CONFIG)
    config = tokenry.load_config("config.yaml")
    scalar = ScalarTokenizer(
        n_bins=config.tokenizers.scalar.n_bins,
        max_values_per_col=config.tokenizers.scalar.max_values_per_col,
        mag_min=config.data.mag_filter["min"],
        mag_max=config.data.mag_filter["max"],
    )
    spectrum = SpectrumTokenizer(codebook_size=config.tokenizers.spectrum.codebook_size)
    image = ImageTokenizer(
        cutout_size=config.tokenizers.image.cutout_size,
        bands=config.tokenizers.image.bands,
        latent_dim=config.tokenizers.image.latent_dim,
    )
    assert scalar.config.n_bins == image.config.codebook_size == 1024
    assert spectrum.config.codebook_size == 2048
    groups = config.tokenizers.spectrum.groups
    assert [g.name for g in groups] == ["desi_b", "desi_r", "desi_z", "gaiaxp_bp", "gaiaxp_rp"]


def test_scripts_and_their_files_are_commands(parquet_files, capsys):
    edges = {name: np.linspace(14, 22, 5) for name in SCALARS}
    np.savez("old.npz", bin_edges=np.array(edges, dtype=object), N_BINS=4)
    convert = ["convert", "old.npz", "scalar.safetensors", "--plugin", "scalar"]
    assert main(convert) == 0
    with open("run.yaml", "w") as file:
        file.write(
            "source: {name: parquet, path: datacube_test.parquet}\n"
            "tokenizers: {old: {artifact: scalar.safetensors},"
            f" new: {{name: scalar, n_bins: 8, scalar_columns: [{SCALARS[0]}]}}}}\n"
        )
    assert main(["train", "run.yaml"]) == 0
    assert main(["encode", "run.yaml"]) == 0
    assert len(tokenry.open_tokens("tokens")) == ROWS


def test_the_verification_script_is_the_doctor(capsys):
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    for name in ("scalar", "spectrum", "image"):
        assert f"ok       tokenizers: {name} " in out
    assert "to be trained" in out
    assert "0 with problems" in out


def test_codebooks_in_joblib_files_are_read(parquet_files):
    import joblib
    from sklearn import cluster

    points = np.random.default_rng(0).normal(size=(64, 2)).astype(np.float32)
    joblib.dump(cluster.KMeans(4, n_init=1).fit(points), "spectrum_kmeans_desi_b.joblib")
    zeros, ones = (np.array({"desi_b": v}, dtype=object) for v in (np.zeros(2), np.ones(2)))
    np.savez("spectrum_tokenizer_config.npz", group_means=zeros, group_stds=ones)
    found = SpectrumTokenizer.from_legacy(
        "spectrum_tokenizer_config.npz", groups=[{**GROUPS[0], "length": 12}]
    )
    assert found.encode("datacube_test.parquet")["tokens_desi_b"].max() < 4
