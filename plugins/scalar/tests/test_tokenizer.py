"""ScalarTokenizer, as its users meet it."""

import warnings

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tokenry_core import row_keys
from tokenry_core.errors import ArtifactError, DataError, NotTrained
from tokenry_scalar import ScalarTokenizer
from tokenry_scalar._edges import separated
from tokenry_scalar.binning import bin_values

COLUMNS = [
    "mag_pstotal_r",
    "mag_pstotal_g",
    "mag_pstotal_i",
    "gaia_parallax",
    "gaia_pmra",
    "gaia_pmdec",
]


def catalog(rows, seed):
    rng = np.random.default_rng(seed)
    found = {"id": np.arange(rows) + 10**15 * seed}
    for name in COLUMNS[:3]:
        found[name] = rng.normal(19, 2, rows).astype(np.float32)
    for name in COLUMNS[3:]:
        found[name] = np.where(rng.random(rows) < 0.1, np.nan, rng.standard_t(3, rows))
    return pa.table(found)


@pytest.fixture
def files(tmp_path):
    paths = []
    for seed, rows in enumerate([3000, 1500, 500]):
        paths.append(str(tmp_path / f"datacube_{seed}.parquet"))
        pq.write_table(catalog(rows, seed), paths[-1], row_group_size=700)
    return paths


def test_the_documented_example_runs_as_it_was_written(files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parquet_files, scalar_columns = files[:2], COLUMNS
    pq.write_table(catalog(800, 7), "datacube_test.parquet")

    tokenizer = ScalarTokenizer(
        n_bins=1024,
        scalar_columns=scalar_columns,
        mag_filter_col="mag_pstotal_r",
        mag_min=14.0,
        mag_max=22.0,
        apply_row_filter=True,
        magerr_max=2.0,
        apply_magerr_filter=True,
        max_values_per_col=2_000_000,
        rng_seed=0,
    )
    assert not tokenizer.is_fitted
    tokenizer.train(parquet_files)
    with pytest.warns(UserWarning, match=r"saved as .*\.safetensors"):
        tokenizer.save("scalar_tokenizer_config.npz")
    tokenizer = ScalarTokenizer.load("scalar_tokenizer_config.npz")
    result = tokenizer.encode("datacube_test.parquet")

    assert result["scalar_tokens"].shape == (800, 6)
    assert result["scalar_tokens"].dtype == np.uint16
    assert result["scalar_cols"].tolist() == scalar_columns
    assert result["ids"].tolist() == catalog(800, 7)["id"].to_pylist()
    assert (result["N_BINS"], result["id_col"]) == (1024, "id")
    assert result["scalar_tokens"].max() == 1024  # missing parallaxes


def test_tokens_follow_from_quantiles_of_the_training_rows(files):
    table = pa.concat_tables([pq.read_table(path) for path in files])
    tokenizer = ScalarTokenizer(n_bins=64, scalar_columns=COLUMNS, mag_filter_col=COLUMNS[0])
    tokens = tokenizer.train(files).encode(table)["scalar_tokens"]
    magnitude = table[COLUMNS[0]].to_numpy()
    kept = (magnitude > 14) & (magnitude < 22)
    for i, name in enumerate(COLUMNS):
        values = table[name].to_numpy()
        used = values[kept & np.isfinite(values)].astype(np.float64)
        if name.startswith("mag_pstotal_"):
            used = used[(used > 14) & (used < 22)]
        edges = separated(np.quantile(used, np.linspace(0, 1, 65)))
        assert np.array_equal(tokenizer.edges[name], edges)
        assert np.array_equal(tokens[:, i], bin_values(values, edges, missing=64))
        assert tokenizer.summary[i]["means"] == float(np.longdouble(1) * _mean(used))


def _mean(values):
    from fractions import Fraction

    return float(sum(map(Fraction, values.tolist())) / len(values))


@pytest.mark.slow
@pytest.mark.parametrize("options", [
    {},
    {"estimator": "one-pass", "ties": "merge", "decode": "mean"},
    {"estimator": "reservoir", "max_values_per_col": 900, "max_values_per_file_per_col": 500},
], ids=["exact", "one-pass", "reservoir"])  # fmt: skip
def test_partial_states_merge_to_the_same_bytes_in_any_order(options, tmp_path):
    table = catalog(9_000, 3)
    saved = []
    for parts, seed in ((1, 0), (7, 0), (7, 1), (100, 0)):
        rng = np.random.default_rng(seed)
        order = rng.permutation(table.num_rows) if parts > 1 else np.arange(table.num_rows)
        shares = [table.take(share).combine_chunks() for share in np.array_split(order, parts)]
        tokenizer = ScalarTokenizer(n_bins=32, scalar_columns=COLUMNS, **options)
        more = True
        while more:
            states = []
            for share in shares:
                (batch,) = share.to_batches()
                states.append(tokenizer.update(None, batch, row_keys(batch)))
            rng.shuffle(states)
            while len(states) > 1:
                i, j = sorted(rng.choice(len(states), 2, replace=False))
                states.append(tokenizer.merge(states.pop(j), states.pop(i)))
            more = tokenizer.finish(states[0])
        saved.append(tokenizer.save(tmp_path / "saved.safetensors").read_bytes())
    assert len(set(saved)) == 1


def test_order_of_files_does_not_matter(files):
    for estimator in ("exact", "reservoir"):
        options = {
            "n_bins": 32,
            "scalar_columns": COLUMNS,
            "estimator": estimator,
            "max_values_per_col": 700,
            "max_values_per_file_per_col": 400,
        }
        prints = {
            ScalarTokenizer(**options).train(list(order)).fingerprint
            for order in (files, files[::-1], files[1:] + files[:1])
        }
        assert len(prints) == 1


def test_missing_may_get_the_bin_of_the_mean():
    rows = pa.table({"id": [1, 2, 3, 4], "g": [1.0, 2.0, 9.0, None]})
    options = {"n_bins": 3, "scalar_columns": ["g"]}
    assert ScalarTokenizer(**options).train(rows).encode(rows)["scalar_tokens"][3, 0] == 3
    by_mean = ScalarTokenizer(**options, missing="mean").train(rows)
    at = bin_values(np.array([4.0]), by_mean.edges["g"], missing=3)[0]
    assert by_mean.encode(rows)["scalar_tokens"][3, 0] == at
    assert by_mean.encode(rows).counts["missing.g"] == 1


@pytest.mark.parametrize("ties", ["separate", "merge"])
@pytest.mark.parametrize("decode", ["midpoint", "mean"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
def test_tied_columns_round_trip(ties, decode, dtype):
    rng = np.random.default_rng(2)
    values = np.where(rng.random(2000) < 0.5, 3, rng.integers(0, 900, 2000)).astype(dtype)
    rows = pa.table({"id": range(2000), "n": values})
    tokenizer = ScalarTokenizer(n_bins=256, scalar_columns=["n"], ties=ties, decode=decode)
    tokens = tokenizer.train(rows).encode(rows)
    again = tokenizer.encode(tokenizer.decode(tokens))
    assert np.array_equal(tokens["scalar_tokens"], again["scalar_tokens"])
    found = tokenizer.summary[0]
    if ties == "merge":
        assert found["bins"] < 200
        assert found["unreachable"] == 0
    else:
        assert found["bins"] == 256
        assert found["unreachable"] > 100
        used = len(np.unique(tokens["scalar_tokens"]))
        assert used + found["unreachable"] <= 256


def test_decoding_by_means_gives_the_mean_of_each_bin():
    rng = np.random.default_rng(8)
    values = np.exp(rng.standard_normal(5000))
    rows = pa.table({"id": range(5000), "flux": values})
    tokenizer = ScalarTokenizer(n_bins=16, scalar_columns=["flux"], decode="mean").train(rows)
    tokens = tokenizer.encode(rows)
    decoded = tokenizer.decode(tokens).column("flux").to_numpy()
    bins = tokens["scalar_tokens"][:, 0]
    for k in range(16):
        assert decoded[bins == k][0] == pytest.approx(values[bins == k].mean(), rel=1e-8)


def test_odd_columns_are_trained_as_documented():
    rows = pa.table(
        {
            "id": [1, 2, 3],
            "constant": [5.0, 5.0, 5.0],
            "empty": pa.array([None, None, None], pa.float32()),
            "single": [None, 4.0, float("nan")],
        }
    )
    tokenizer = ScalarTokenizer(n_bins=4, min_values=2)
    with pytest.warns(UserWarning, match="fewer than min_values=2") as caught:
        tokenizer.train(rows)
    assert sorted(str(w.message).split('"')[1] for w in caught) == ["empty", "single"]
    tokens = tokenizer.encode(rows)["scalar_tokens"]
    assert tokens.tolist() == [[0, 4, 4]] * 3
    assert tokenizer.encode(rows).counts["missing.single"] == 3
    assert tokenizer.decode(tokenizer.encode(rows)).column("single").null_count == 3


def test_training_on_nothing_says_so():
    with pytest.raises(DataError, match="no rows"):
        ScalarTokenizer(n_bins=4, scalar_columns=["g"]).train(
            catalog(0, 0).rename_columns(["id", "g", *"abcde"])
        )


def test_columns_are_found_in_training():
    tokenizer = ScalarTokenizer(n_bins=4)
    with pytest.raises(NotTrained, match="training finds the columns"):
        _ = tokenizer.spec
    tokenizer.train({"id": [1, 2], "a": [1.0, 2.0], "name": ["x", "y"], "b": [3, 4]})
    assert tokenizer.encode({"id": [1], "b": [3], "a": [2.0]})["scalar_cols"].tolist() == ["a", "b"]


def test_infinities_are_missing_and_counted():
    tokenizer = ScalarTokenizer(n_bins=2, scalar_columns=["g"])
    tokenizer.train({"id": [1, 2, 3], "g": [1.0, 2.0, np.inf]})
    result = tokenizer.encode({"id": [1, 2, 3, 4], "g": [np.inf, -np.inf, 0.0, 99.0]})
    assert result["scalar_tokens"].ravel().tolist() == [2, 2, 0, 1]
    assert dict(result.counts) == {"missing.g": 2, "clipped.g": 2}


def test_threads_do_not_change_tokens():
    rows = catalog(100_000, 1)
    tokenizer = ScalarTokenizer(n_bins=128, scalar_columns=COLUMNS).train(rows.slice(0, 5000))
    one = ScalarTokenizer.restore(tokenizer.config, tokenizer.state(), threads=1)
    many = ScalarTokenizer.restore(tokenizer.config, tokenizer.state(), threads=5)
    a, b = one.encode(rows), many.encode(rows)
    assert np.array_equal(a["scalar_tokens"], b["scalar_tokens"])
    assert dict(a.counts) == dict(b.counts)


def test_many_columns_are_searched_in_turns(monkeypatch):
    from tokenry_scalar.training import _state

    rows = catalog(30_000, 2)
    at_once = ScalarTokenizer(n_bins=64, scalar_columns=COLUMNS).train(rows)
    monkeypatch.setattr(_state, "BUDGET", 1)
    in_turns = ScalarTokenizer(n_bins=64, scalar_columns=COLUMNS).train(rows)
    assert in_turns.fingerprint == at_once.fingerprint


def test_a_legacy_npz_is_not_loaded_by_accident(tmp_path):
    path = tmp_path / "old.npz"
    np.savez(path, N_BINS=4)
    with pytest.raises(ArtifactError, match="from_legacy"):
        ScalarTokenizer.load(path)


def test_report_panel_names_bins_that_nothing_reaches():
    rows = pa.table({"id": range(100), "n<": [0.0] * 60 + [float(i) for i in range(40)]})
    tokenizer = ScalarTokenizer(n_bins=16, scalar_columns=["n<"]).train(rows)
    (batch,) = rows.to_batches()
    (panel,) = tokenizer.panels(batch, tokenizer.encode(rows))
    assert b"n&lt;" in panel.image
    assert "never be reached: n< " in panel.caption


def test_saving_as_safetensors_is_silent(tmp_path):
    tokenizer = ScalarTokenizer(n_bins=2, scalar_columns=["g"]).train({"id": [1], "g": [1.0]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tokenizer.save(tmp_path / "a.safetensors")
