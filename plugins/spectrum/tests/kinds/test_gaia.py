"""GaiaXPy itself is the oracle; its packaged configuration is all that it needs."""

import subprocess
import sys
import warnings

import numpy as np
import pyarrow as pa
import pytest

from tokenry_core import build_config
from tokenry_core.errors import ConfigError, MissingColumn
from tokenry_spectrum import SpectrumTokenizer
from tokenry_spectrum.kinds import GaiaXp, _gaia_matrices
from tokenry_spectrum.kinds._coefficients import read_coefficients
from tokenry_spectrum.kinds._gaia import xp_flux

ROWS = 12


def archive(seed=0, missing=()):
    """Rows as the Gaia archive gives them: coefficients, errors, correlations by band."""
    random = np.random.default_rng(seed)
    table = {"source_id": np.arange(10**18, 10**18 + ROWS)}
    for band in ("bp", "rp"):
        decay = np.exp(-np.arange(55) / 6)
        table[f"{band}_n_parameters"] = np.full(ROWS, 55)
        table[f"{band}_standard_deviation"] = np.ones(ROWS)
        table[f"{band}_n_relevant_bases"] = random.integers(3, 56, ROWS)
        table[f"{band}_coefficients"] = list(random.normal(size=(ROWS, 55)) * decay * 1e4)
        table[f"{band}_coefficient_errors"] = list(np.ones((ROWS, 55)))
        table[f"{band}_coefficient_correlations"] = list(np.zeros((ROWS, 55 * 54 // 2)))
    for row, band in missing:
        for what in ("coefficients", "coefficient_errors", "coefficient_correlations"):
            table[f"{band}_{what}"][row] = None
        for what in ("n_parameters", "standard_deviation"):
            table[f"{band}_{what}"] = table[f"{band}_{what}"].astype(float)
            table[f"{band}_{what}"][row] = np.nan
    return table


def arrow(table, prefix="", text=False):
    columns = {"source_id": pa.array(table["source_id"])}
    for name, values in table.items():
        if name.endswith("coefficients"):
            lists = [None if v is None else v.tolist() for v in values]
            cells = [None if v is None else str(v) for v in lists] if text else lists
            columns[prefix + name] = pa.array(cells)
        elif name.endswith("n_relevant_bases"):
            columns[prefix + name] = pa.array(values)
    return pa.record_batch(columns)


def kind(**options):
    given = {"name": "xp", "kind": "gaiaxpy_xp", **options}
    return GaiaXp(build_config(GaiaXp.Config, given))


def flux(kind, batch):
    found = {band: read_coefficients(batch, band, kind.group.truncation) for band in kind.bands}
    rows = np.flatnonzero(np.logical_or.reduce([one.present for one in found.values()]))
    return xp_flux(found, rows, kind.assets())


def gaiaxpy(function, table, **options):
    import pandas as pd

    cells = {k: [np.nan if v is None else v for v in values] for k, values in table.items()}
    frame = pd.DataFrame(cells)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(frame, save_file=False, disable_info=True, **options)


def assert_equal_flux(ours, theirs):
    theirs = np.array(list(theirs), np.float64)
    assert np.array_equal(np.isnan(ours), np.isnan(theirs))
    scale = np.nanmax(np.abs(theirs), axis=1, keepdims=True)
    assert np.nanmax(np.abs(ours - theirs) / scale) <= 1e-12


@pytest.fixture(scope="module")
def functions():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from gaiaxpy.calibrator.calibrator import _calibrate
        from gaiaxpy.converter.converter import _convert
    return {"convert": _convert, "calibrate": _calibrate}


truncated = pytest.mark.parametrize("truncation", [False, True], ids=["whole", "truncated"])


@truncated
@pytest.mark.parametrize("band", ["BP", "RP"])
@pytest.mark.parametrize("sampling", [None, (2.5, 58.0, 77)], ids=["default", "custom"])
def test_sampled_flux_is_that_of_convert(functions, band, sampling, truncation):
    table = archive()
    options = {} if sampling is None else {"sampling": np.linspace(*sampling)}
    theirs, positions = gaiaxpy(functions["convert"], table, truncation=truncation, **options)
    ours = kind(xp_band=band, sampling=sampling, truncation=truncation)
    assert np.array_equal(ours.assets()["positions"], positions)
    assert_equal_flux(flux(ours, arrow(table)), theirs[theirs.xp == band]["flux"])


@truncated
@pytest.mark.parametrize("sampling", [None, (400.0, 900.0, 51)], ids=["default", "custom"])
def test_calibrated_flux_is_that_of_calibrate(functions, sampling, truncation):
    table = archive()
    options = {} if sampling is None else {"sampling": np.linspace(*sampling)}
    theirs, positions = gaiaxpy(functions["calibrate"], table, truncation=truncation, **options)
    ours = kind(xp_band="BOTH", mode="calibrate", sampling=sampling, truncation=truncation)
    assert np.array_equal(ours.assets()["positions"], positions)
    assert_equal_flux(flux(ours, arrow(table)), theirs["flux"])


@pytest.mark.parametrize(("band", "other"), [("BP", "rp"), ("RP", "bp")])
def test_a_calibrated_band_alone_is_that_of_calibrate(functions, band, other):
    table = archive(missing=[(row, other) for row in range(4)])
    theirs, _ = gaiaxpy(functions["calibrate"], {k: v[:4] for k, v in table.items()})
    ours = kind(xp_band=band, mode="calibrate")
    assert_equal_flux(flux(ours, arrow(table))[:4], theirs["flux"])


def test_sources_of_one_band_and_of_both_may_be_mixed(functions):
    table = archive(missing=[(1, "bp"), (2, "rp"), (7, "bp")])
    theirs, _ = gaiaxpy(functions["calibrate"], table)
    ours = flux(kind(xp_band="BOTH", mode="calibrate"), arrow(table))
    assert_equal_flux(ours, theirs["flux"])


@pytest.mark.parametrize("prefix", ["", "gaiaxp_"])
@pytest.mark.parametrize("text", [False, True], ids=["lists", "text"])
def test_lists_and_text_with_and_without_prefix_are_read_alike(prefix, text):
    table = archive(missing=[(3, "bp")])
    ours = kind(xp_band="BP", truncation=True)
    expected = flux(ours, arrow(table))
    assert np.array_equal(flux(ours, arrow(table, prefix, text)), expected)


@pytest.mark.parametrize("text", ["(1.0, {})", "[1.0,{}]", " [ 1.0 , {} ] "])
def test_text_in_brackets_of_either_kind_is_read(text):
    cell = text.format(", ".join(["2e-3"] * 54))
    found = read_coefficients(pa.record_batch({"bp_coefficients": [cell]}), "bp", False)
    assert found.values[0].tolist() == [1.0] + [2e-3] * 54


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("[1.0, 2.0]", "has 2 values; a band has 55"),
        ("[" + "1.0, " * 54 + "none]", "'none', which is no number"),
        ("{broken", "which is no number"),
    ],
)
def test_text_that_cannot_be_read_is_a_bad_row(cell, reason):
    good = str([1.0] * 55)
    batch = pa.record_batch({"bp_coefficients": [good, cell, good]})
    found = kind(xp_band="BP")
    bad = found.read(batch, found.assets()).bad
    assert list(bad) == [1]
    assert reason in bad[1]


def test_order_is_kept_and_a_source_without_the_band_has_an_empty_row():
    batch = arrow(archive(missing=[(0, "bp"), (5, "bp")]))
    tokenizer = SpectrumTokenizer(codebook_size=64, groups=["gaiaxp_bp", "gaiaxp_rp"])
    tokens = tokenizer.train(batch).encode(batch)
    lengths = np.diff(tokens["tokens_gaiaxp_bp_indptr"])
    assert lengths.tolist() == [0, 600, 600, 600, 600, 0] + [600] * 6
    assert np.diff(tokens["tokens_gaiaxp_rp_indptr"]).tolist() == [600] * ROWS
    alone = tokenizer.encode(batch.slice(7, 1))
    assert np.array_equal(
        alone["tokens_gaiaxp_bp_flat"], tokens["tokens_gaiaxp_bp_flat"][5 * 600 : 6 * 600]
    )
    assert tokens["ids"].tolist() == batch["source_id"].to_pylist()


def test_encoding_needs_no_gaiaxpy(tmp_path, monkeypatch):
    batch = arrow(archive())
    tokenizer = SpectrumTokenizer(codebook_size=64, groups=["gaiaxp_bp"]).train(batch)
    path = tokenizer.save(tmp_path / "xp.safetensors")
    monkeypatch.setitem(__import__("sys").modules, "gaiaxpy", None)
    _gaia_matrices.gaia_matrices.cache_clear()
    again = SpectrumTokenizer.load(path).encode(batch)
    expected = tokenizer.encode(batch)
    assert np.array_equal(again["tokens_gaiaxp_bp_flat"], expected["tokens_gaiaxp_bp_flat"])


def test_training_without_gaiaxpy_says_what_to_install(monkeypatch):
    for name in list(__import__("sys").modules):
        if name.startswith("gaiaxpy"):
            monkeypatch.delitem(__import__("sys").modules, name)
    monkeypatch.setitem(__import__("sys").modules, "gaiaxpy", None)
    _gaia_matrices.gaia_matrices.cache_clear()
    tokenizer = SpectrumTokenizer(codebook_size=64, groups=["gaiaxp_bp"])
    with pytest.raises(ConfigError, match=r'pip install "tokenry-spectrum\[gaia\]"'):
        tokenizer.train(arrow(archive()))


@pytest.mark.parametrize("mode", ["convert", "calibrate"])
def test_nothing_is_printed(capfd, mode):
    _gaia_matrices.gaia_matrices.cache_clear()
    sampling = (10.0, 50.0, 9) if mode == "convert" else (400.0, 600.0, 9)
    group = {"name": "x", "kind": "gaiaxpy_xp", "xp_band": "BP", "mode": mode}
    tokenizer = SpectrumTokenizer(codebook_size=8, groups=[{**group, "sampling": sampling}])
    tokenizer.train(arrow(archive()))
    assert capfd.readouterr() == ("", "")


def test_a_missing_column_names_both_spellings():
    with pytest.raises(MissingColumn, match='"rp_coefficients" or "gaiaxp_rp_coefficients"'):
        kind(xp_band="RP").columns(pa.schema({"bp_coefficients": pa.string()}))


def test_truncation_needs_the_number_of_relevant_bases():
    schema = pa.schema({"gaiaxp_bp_coefficients": pa.string()})
    with pytest.raises(MissingColumn, match="gaiaxp_bp_n_relevant_bases"):
        kind(xp_band="BP", truncation=True).columns(schema)


@pytest.mark.parametrize("number", [None, 0, -1, float("nan")])
def test_without_a_number_of_relevant_bases_all_count(number):
    batch = pa.record_batch(
        {
            "bp_coefficients": [[1.0] * 55],
            "bp_n_relevant_bases": pa.array([number], pa.float64()),
        }
    )
    assert read_coefficients(batch, "bp", True).values.sum() == 55


@pytest.mark.parametrize("sampling", [(0.0, 80.0, 5), (5.0, 5.0, 5), (0.0, 5.0, 1)])
def test_positions_that_gaiaxpy_refuses_are_refused_at_once(sampling):
    with pytest.raises(ConfigError, match=r"allowed for convert"):
        kind(xp_band="BP", sampling=sampling)


def test_bands_join_only_when_calibrated():
    with pytest.raises(ConfigError, match="mode: calibrate"):
        kind(xp_band="BOTH")


def test_gaiaxpy_leaves_the_settings_of_others_alone():
    code = (
        "import matplotlib, numpy as np\n"
        "def settings(): return dict(matplotlib.rcParams), np.get_printoptions()\n"
        "before = settings()\n"
        "from tokenry_spectrum.kinds._gaia_matrices import gaia_matrices\n"
        "gaia_matrices('convert', None)\n"
        "assert settings() == before"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
