import joblib
import numpy as np
import pytest
from sklearn.cluster import KMeans

from tokenry_core.errors import ConfigError, LegacyError
from tokenry_spectrum import SpectrumTokenizer


def scripts_tokenizer(seed=0):
    random = np.random.default_rng(seed)
    x = random.normal(size=(500, 2))
    mean, std = x.mean(0), x.std(0)
    return KMeans(12, n_init=1, random_state=0).fit((x - mean) / std), mean, std


def write(path, **changes):
    model, mean, std = scripts_tokenizer()
    content = {
        "group_names": np.array(["desi_b"]),
        "group_means": {"desi_b": mean},
        "group_stds": {"desi_b": std},
        "group_codebooks": {"desi_b": model.cluster_centers_},
        "group_columns": {"desi_b": ["desi_flux_b", "desi_ivar_b"]},
        **changes,
    }
    content = {key: value for key, value in content.items() if value is not None}
    np.savez(path, **{k: np.array(v, dtype=object) if isinstance(v, dict) else v
                      for k, v in content.items()})  # fmt: skip
    return model, mean, std


def data(seed=1):
    random = np.random.default_rng(seed)
    flux, ivar = random.normal(size=(6, 9)), random.gamma(2, size=(6, 9))
    return flux, ivar, {"desi_flux_b": list(flux), "desi_ivar_b": list(ivar)}


def test_ids_are_those_of_the_scripts(tmp_path):
    model, mean, std = write(tmp_path / "old.npz")
    flux, ivar, rows = data()
    tokens = SpectrumTokenizer.from_legacy(tmp_path / "old.npz").encode(rows)
    points = (np.stack([flux.ravel(), np.sqrt(ivar.ravel())], 1) - mean) / std
    assert tokens["tokens_desi_b_flat"].tolist() == model.predict(points).tolist()


def test_what_the_file_lacks_is_read_from_the_kmeans_beside_it(tmp_path):
    model, _, _ = write(tmp_path / "old.npz", group_codebooks=None)
    joblib.dump(model, tmp_path / "spectrum_kmeans_desi_b.joblib")
    found = SpectrumTokenizer.from_legacy(tmp_path / "old.npz").state()["desi_b.codebook"]
    assert np.array_equal(found, model.cluster_centers_.astype(np.float32))


def test_it_saves_and_loads_as_any_other(tmp_path):
    write(tmp_path / "old.npz")
    tokenizer = SpectrumTokenizer.from_legacy(tmp_path / "old.npz")
    again = SpectrumTokenizer.load(tokenizer.save(tmp_path / "new.safetensors"))
    assert again == tokenizer


def test_groups_of_other_names_are_known_by_their_columns(tmp_path):
    model, mean, std = scripts_tokenizer()
    write(
        tmp_path / "old.npz",
        group_names=np.array(["blue", "curve"]),
        group_means={"blue": mean, "curve": mean},
        group_stds={"blue": std, "curve": std},
        group_codebooks={"blue": model.cluster_centers_, "curve": model.cluster_centers_},
        group_columns={"blue": ["my_ivar", "my_flux"], "curve": ["a_mag", "a_magerr"]},
    )
    blue, curve = SpectrumTokenizer.from_legacy(tmp_path / "old.npz").config.groups
    assert (blue.kind, blue.flux_col, blue.ivar_col) == ("flux_ivar", "my_flux", "my_ivar")
    assert (curve.kind, curve.mag_col, curve.err_col) == ("ztf_mag_err", "a_mag", "a_magerr")


def test_a_length_can_be_given(tmp_path):
    write(tmp_path / "old.npz")
    group = {
        "name": "desi_b",
        "kind": "flux_ivar",
        "flux_col": "desi_flux_b",
        "ivar_col": "desi_ivar_b",
        "length": 9,
    }
    tokenizer = SpectrumTokenizer.from_legacy(tmp_path / "old.npz", groups=[group])
    assert tokenizer.encode(data()[2])["tokens_desi_b"].shape == (6, 9)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"group_means": None}, LegacyError, "group_means is NoneType, not a dict"),
        ({"group_codebooks": None}, LegacyError, "no codebook in it"),
        ({"group_codebooks": {"desi_b": np.ones((3, 5))}}, LegacyError, "2 features a point"),
        ({"codebook_size": 4}, ConfigError, "12 codes: give at least as many"),
    ],
)
def test_a_file_that_does_not_fit_says_why(tmp_path, changes, error, message):
    write(tmp_path / "old.npz", **changes)
    with pytest.raises(error, match=message):
        SpectrumTokenizer.from_legacy(tmp_path / "old.npz")


def test_a_group_of_no_known_kind_asks_for_its_definition(tmp_path):
    model, mean, std = scripts_tokenizer()
    write(
        tmp_path / "old.npz",
        group_names=np.array(["x"]),
        group_means={"x": mean},
        group_stds={"x": std},
        group_codebooks={"x": model.cluster_centers_},
        group_columns={"x": ["u", "v"]},
    )
    with pytest.raises(LegacyError, match="give its definition"):
        SpectrumTokenizer.from_legacy(tmp_path / "old.npz")


def test_a_joblib_of_something_else_is_refused(tmp_path):
    write(tmp_path / "old.npz", group_codebooks=None)
    joblib.dump({"a": 1}, tmp_path / "spectrum_kmeans_desi_b.joblib")
    with pytest.raises(LegacyError, match="no fitted KMeans"):
        SpectrumTokenizer.from_legacy(tmp_path / "old.npz")
