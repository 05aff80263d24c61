"""Options: the names that users know, bounds, and how magnitudes are filtered."""

import numpy as np
import pyarrow as pa
import pytest

from tokenry_core.errors import ConfigError, MissingColumn
from tokenry_scalar import Filter, ScalarConfig, ScalarTokenizer


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"n_bins": 1}, "n_bins.*at least 2"),
        ({"n_bins": 20_000}, "at most 16382"),
        ({"mag_min": 22.0, "mag_max": 14.0}, "mag_min has to be smaller"),
        ({"scalar_columns": ["a", "a"]}, "name each column once"),
        ({"scalar_columns": []}, "at least one"),
        ({"estimator": "exactly"}, 'Did you mean "exact"'),
        ({"nbins": 4}, "n_bins"),
        ({"filters": [{"column": "g", "low": 2.0, "high": 1.0}]}, "low has to be below high"),
        ({"filters": [{"column": "mag_*", "rows": True}]}, "judged by one column"),
    ],
)
def test_wrong_options_say_what_is_allowed(options, said):
    with pytest.raises(ConfigError, match=said):
        ScalarTokenizer(**options)


def test_seed_options_expand_to_filters():
    config = ScalarConfig(mag_filter_col="mag_pstotal_r", magerr_max=0.5)
    assert config.row_filters == (Filter("mag_pstotal_r", 14.0, 22.0, rows=True),)
    assert config.trained_range("mag_pstotal_g") == (14.0, 22.0)
    assert config.trained_range("err_mag_pstotal_g") == (0.0, 0.5)
    assert config.clipped_range("err_mag_pstotal_g") == (0.0, 0.5)
    assert config.clipped_range("mag_pstotal_g") == (-np.inf, np.inf)
    assert config.trained_range("parallax") == (-np.inf, np.inf)
    off = ScalarConfig(mag_filter_col="r", apply_row_filter=False, apply_magerr_filter=False)
    assert off.row_filters == ()
    assert off.trained_range("err_mag_pstotal_g") == (-np.inf, np.inf)


ROWS = pa.table(
    {
        "id": range(7),
        "mag_pstotal_r": [14.0, 15.0, 16.0, 17.0, 22.0, None, float("inf")],
        "err_mag_pstotal_r": [0.1, 0.2, -1.0, 5.0, 0.3, 0.4, 0.5],
        "colour": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
    }
)
NAMES = ["mag_pstotal_r", "err_mag_pstotal_r", "colour"]


def test_row_filter_restricts_training_to_rows_strictly_between():
    tokenizer = ScalarTokenizer(n_bins=2, scalar_columns=NAMES, mag_filter_col="mag_pstotal_r")
    found = {row["column"]: row["values"] for row in tokenizer.train(ROWS).summary}
    assert found == {"mag_pstotal_r": 3, "err_mag_pstotal_r": 1, "colour": 3}
    assert tokenizer.edges["colour"].tolist() == [2.0, 3.0, 4.0]


def test_value_filters_restrict_training_of_their_column_alone():
    tokenizer = ScalarTokenizer(
        n_bins=2, scalar_columns=NAMES, filters=[{"column": "col*", "low": 1.5, "high": 4.5}]
    ).train(ROWS)
    found = {row["column"]: row["values"] for row in tokenizer.summary}
    assert found == {"mag_pstotal_r": 3, "err_mag_pstotal_r": 5, "colour": 3}


def test_encoding_keeps_every_row_unless_asked_to_drop():
    tokenizer = ScalarTokenizer(n_bins=2, scalar_columns=NAMES, mag_filter_col="mag_pstotal_r")
    tokenizer.train(ROWS)
    assert tokenizer.encode(ROWS)["ids"].tolist() == list(range(7))
    assert tokenizer.encode(ROWS, drop_filtered=True)["ids"].tolist() == [1, 2, 3]
    without = ROWS.drop_columns(["mag_pstotal_r"])
    colours = ScalarTokenizer(n_bins=2, scalar_columns=["colour"], mag_filter_col="mag_pstotal_r")
    colours.train(ROWS)
    assert colours.encode(without)["scalar_tokens"].shape == (7, 1)
    with pytest.raises(MissingColumn, match="mag_pstotal_r"):
        colours.encode(without, drop_filtered=True)


def test_a_missing_filter_column_stops_training():
    with pytest.raises(MissingColumn, match="mag_i"):
        ScalarTokenizer(n_bins=2, scalar_columns=["colour"], mag_filter_col="mag_i").train(ROWS)


def test_clipping_comes_before_binning():
    tokenizer = ScalarTokenizer(
        n_bins=4, scalar_columns=["colour"], filters=[Filter("colour", low=2.5, clip=True)]
    ).train(ROWS)
    result = tokenizer.encode(pa.table({"id": [1, 2], "colour": [-100.0, 2.5]}))
    assert result["scalar_tokens"].ravel().tolist() == [0, 0]
    assert result.counts["clipped.colour"] == 2
