import logging
from xml.etree import ElementTree as ET

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenry_core.errors import (
    BadRows,
    ConfigError,
    DataError,
    MissingColumn,
    NotTrained,
    UnknownName,
)
from tokenry_spectrum import SpectrumTokenizer
from tokenry_spectrum._groups import runs

GROUP = {"name": "b", "kind": "flux_ivar", "flux_col": "flux", "ivar_col": "ivar"}


def spectra(n=40, length=30, seed=0):
    random = np.random.default_rng(seed)
    flux = random.normal(size=(n, length)).astype(np.float32)
    ivar = random.gamma(2, size=(n, length)).astype(np.float32)
    return {"id": np.arange(n), "flux": list(flux), "ivar": list(ivar)}


def brute_tokens(tokenizer, flux, ivar):
    """Nearest centroids in float64, as the page of the tokenizer says."""
    state = tokenizer.state()
    point = np.array([flux, np.sqrt(np.maximum(ivar, 0))], np.float32).astype(np.float64).T
    point = (point - state["b.mean"]) * (1 / state["b.std"])
    if not len(point):
        return []
    distance = ((point[:, None] - state["b.codebook"].astype(np.float64)) ** 2).sum(-1)
    tokens = distance.argmin(1)
    tokens[~np.isfinite(point).all(1)] = tokenizer.config.codebook_size
    return tokens.tolist()


@pytest.fixture(scope="module")
def trained():
    return SpectrumTokenizer(codebook_size=32, groups=[GROUP]).train(
        {**spectra(), "ivar": [v[:30] for v in spectra()["ivar"]]}
    )


@pytest.fixture(scope="module")
def ragged():
    data = spectra()
    cut = np.random.default_rng(1).integers(1, 30, 40)
    data = {
        "id": data["id"],
        "flux": [f[:c] for f, c in zip(data["flux"], cut, strict=True)],
        "ivar": [f[:c] for f, c in zip(data["ivar"], cut, strict=True)],
    }
    return SpectrumTokenizer(codebook_size=32, groups=[GROUP]).train(data)


VALUES = st.one_of(st.floats(-5, 5, width=32), st.sampled_from([np.nan, np.inf, 1e30]))
ROWS = st.lists(
    st.one_of(st.none(), st.lists(st.tuples(VALUES, VALUES), max_size=8), st.just("corrupt")),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_rows_in_are_rows_out_for_ragged_null_and_corrupt_input(ragged, given_rows):
    flux = [
        None if row is None else [1.0, 2.0] if row == "corrupt" else [p[0] for p in row]
        for row in given_rows
    ]
    ivar = [
        None if row is None else [1.0] if row == "corrupt" else [p[1] for p in row]
        for row in given_rows
    ]
    lists = pa.list_(pa.float64())
    ids = np.arange(len(given_rows))
    batch = pa.record_batch(
        {"id": ids, "flux": pa.array(flux, lists), "ivar": pa.array(ivar, lists)}
    )
    bad = [i for i, row in enumerate(given_rows) if row == "corrupt"]
    if bad:
        with pytest.raises(BadRows) as error:
            ragged.encode(batch)
        assert error.value.rows == dict.fromkeys(bad, "flux has 2 points, ivar has 1 points")
        keep = np.setdiff1d(ids, bad)
        batch = batch.take(pa.array(keep))
    tokens = ragged.encode(batch)
    assert tokens["ids"].tolist() == batch["id"].to_pylist()
    flat, indptr = tokens["tokens_b_flat"], tokens["tokens_b_indptr"]
    for i, row in enumerate(batch.to_pylist()):
        expected = brute_tokens(ragged, row["flux"] or [], row["ivar"] or [])
        assert flat[indptr[i] : indptr[i + 1]].tolist() == expected


def test_one_length_in_training_makes_the_field_rectangular(trained):
    data = spectra(seed=5)
    tokens = trained.encode(data)["tokens_b"]
    assert tokens.shape == (40, 30)
    assert tokens.dtype == np.uint16
    assert tokens[7].tolist() == brute_tokens(trained, data["flux"][7], data["ivar"][7])


def test_a_later_row_of_another_length_is_bad(trained):
    data = {"flux": [[1.0] * 30, [1.0] * 7], "ivar": [[1.0] * 30, [1.0] * 7]}
    with pytest.raises(BadRows, match="row 1: b has 7 points; all had 30 in training"):
        trained.encode(data)


def test_an_absent_spectrum_is_a_row_of_missing_ids(trained):
    data = {"flux": [None, [], [1.0] * 30], "ivar": [[1.0] * 30, [], [1.0] * 30]}
    tokens = trained.encode(data)["tokens_b"]
    assert (tokens[:2] == 32).all()
    assert (tokens[2] < 32).all()


def test_a_point_that_lacks_one_feature_is_missing_and_keeps_its_place(trained):
    data = spectra(n=1)
    data["ivar"][0][3] = np.nan
    data["flux"][0][5] = np.inf
    tokens = trained.encode(data)
    assert np.flatnonzero(tokens["tokens_b"][0] == 32).tolist() == [3, 5]
    assert tokens.counts["missing_b"] == 2


def test_a_configured_length_is_known_before_training():
    tokenizer = SpectrumTokenizer(codebook_size=8, groups=[{**GROUP, "length": 30}])
    field = tokenizer.spec["tokens_b"]
    assert (field.event, field.ragged, field.codes) == ((30,), False, 8)


def test_an_undecided_group_says_so():
    with pytest.raises(NotTrained, match='rows of "b" have one length'):
        SpectrumTokenizer(groups=[GROUP]).spec


def test_encoding_never_truncates():
    tokenizer = SpectrumTokenizer(codebook_size=8, max_points_per_row=5, groups=[GROUP])
    tokenizer.train(spectra())
    assert tokenizer.encode(spectra())["tokens_b"].shape == (40, 30)


def test_no_groups_and_no_light_curves_is_an_error_that_says_what_to_do():
    with pytest.raises(MissingColumn, match=r"ztf_mag_X.*groups=\['desi_b'\]"):
        SpectrumTokenizer().train({"id": [1], "flux": [[1.0]]})


def test_light_curves_are_found_by_their_columns():
    data = {"ztf_mag_g": [[18.0, 19.0]], "ztf_magerr_g": [[0.1, 0.2]], "ztf_mag_i": [[1.0]]}
    tokenizer = SpectrumTokenizer(codebook_size=2).train(data)
    assert [field.name for field in tokenizer.spec.fields] == ["tokens_ztf_g"]


def test_training_without_a_finite_point_is_an_error():
    with pytest.raises(DataError, match='group "b" has no finite point'):
        SpectrumTokenizer(groups=[GROUP]).train({"flux": [[np.nan]], "ivar": [[1.0]]})


def test_a_shrunken_codebook_keeps_the_missing_id(caplog):
    tokenizer = SpectrumTokenizer(codebook_size=16, groups=[GROUP])
    with caplog.at_level(logging.WARNING):
        tokenizer.train({"flux": [[1.0, 2.0, 3.0]], "ivar": [[1.0, 1.0, 1.0]]})
    assert "3 codes, not 16" in caplog.text
    tokens = tokenizer.encode({"flux": [[3.0, np.nan, 1.0]], "ivar": [[1.0] * 3]})["tokens_b"]
    assert tokens.tolist() == [[2, 16, 0]]


def test_decoding_gives_the_groups_own_units(trained):
    data = spectra(seed=9)
    tokens = trained.encode(data)
    values = trained.decode(tokens)
    flux = np.stack(values["flux"].to_numpy(zero_copy_only=False))
    ivar = np.stack(values["ivar"].to_numpy(zero_copy_only=False))
    assert np.abs(flux - np.stack(data["flux"])).mean() < 0.3
    assert np.abs(np.sqrt(ivar) - np.sqrt(np.stack(data["ivar"]))).mean() < 0.3


def test_decoding_gives_null_for_missing_points(ragged):
    tokens = ragged.encode({"flux": [[1.0, np.nan], None], "ivar": [[1.0, 1.0], None]})
    values = ragged.decode(tokens)["flux"].to_pylist()
    assert values[0][1] is None
    assert values[1] is None


def test_training_may_begin_at_another_artifacts_codebooks(tmp_path):
    first = SpectrumTokenizer(codebook_size=64, groups=[GROUP]).train(spectra(400))
    path = first.save(tmp_path / "first.safetensors")
    options = {"codebook_size": 64, "groups": [GROUP], "max_iterations": 1}
    warm = SpectrumTokenizer(**options, codebook_from=path).train(spectra(400))
    cold = SpectrumTokenizer(**options).train(spectra(400))

    def error(tokenizer):
        data = spectra(400)
        decoded = tokenizer.decode(tokenizer.encode(data))["flux"]
        flux = np.stack(decoded.to_numpy(zero_copy_only=False))
        return ((flux - np.stack(data["flux"])) ** 2).mean()

    assert error(warm) < error(cold)


def test_a_start_of_another_size_is_refused(tmp_path):
    first = SpectrumTokenizer(codebook_size=16, groups=[GROUP]).train(spectra())
    path = first.save(tmp_path / "first.safetensors")
    with pytest.raises(ConfigError, match="has 16 codes of 2 features; .* has 32 of 2"):
        SpectrumTokenizer(codebook_size=32, groups=[GROUP], codebook_from=path).train(spectra())


def test_files_in_any_order_give_one_artifact(tmp_path):
    for i in range(4):
        table = pa.table({**spectra(60, seed=i), "id": np.arange(60) + 100 * i})
        pq.write_table(table, tmp_path / f"{i}.parquet")
    paths = sorted(map(str, tmp_path.glob("*.parquet")))
    options = {"codebook_size": 16, "groups": [GROUP], "max_rows_per_file": 20}
    options["max_features_per_group"] = 500
    prints = {SpectrumTokenizer(**options).train(p).fingerprint for p in (paths, paths[::-1])}
    assert len(prints) == 1


def test_near_ids_mean_near_values(trained):
    book = trained.state()["b.codebook"]
    moved = book - book.mean(0)
    axis = np.linalg.svd(moved, full_matrices=False)[2][0]
    along = moved @ axis
    assert (np.diff(along * np.sign(along[-1])) > -1e-6).all()


def test_pictures_show_every_group(trained):
    data = spectra(4)
    batch = pa.record_batch(data)
    (panel,) = trained.panels(batch, trained.encode(batch))
    assert panel.title == "b: originals and reconstructions"
    assert ET.fromstring(panel.image).tag.endswith("svg")
    assert panel.image.count(b"<polyline") == 6


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (["desi_q"], '"desi_q" is no preset; there are: desi_b'),
        ([{"name": "a"}], r"groups\[0\].kind: missing; give one of"),
        ([{"name": "a", "kind": "flux_ivar"}], r"groups\[0\].flux_col: missing"),
        ([{**GROUP, "flux": 1}], r"groups\[0\].flux: unknown key"),
        ([{**GROUP, "name": "a b"}], r"groups\[0\].name: 'a b'; allowed are letters"),
        ([GROUP, GROUP], 'the name "b" is given twice'),
    ],
)
def test_a_group_that_is_not_right_says_where(groups, message):
    with pytest.raises(ConfigError, match=message):
        SpectrumTokenizer(groups=groups)


def test_an_unknown_kind_lists_what_there_is():
    with pytest.raises(UnknownName, match="there are: flux_ivar, gaiaxpy_xp, ztf_mag_err"):
        SpectrumTokenizer(groups=[{"name": "a", "kind": "flux_ivr"}])


def test_presets_stand_for_whole_definitions():
    names = ["desi_b", "desi_r", "desi_z", "gaiaxp_bp", "gaiaxp_rp", "ztf_g"]
    groups = SpectrumTokenizer(groups=names).config.groups
    assert [group.name for group in groups] == names
    assert groups[0].flux_col == "desi_flux_b"
    assert groups[-1].time_col == "ztf_hmjd_g"


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), max_size=20), st.integers(1, 15))
def test_runs_are_whole_rows_and_cover_all(lengths, size):
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    found = list(runs(indptr, size))
    assert [p for a, b in found for p in range(a, b)] == list(range(indptr[-1]))
    assert all(a in indptr and b in indptr for a, b in found)
    assert all(b - a <= max(size, 9) for a, b in found)
