"""Files of the scripts that this replaces are read as data, and encode as they did."""

import os

import numpy as np
import pytest

from tokenry_core.errors import LegacyError
from tokenry_scalar import ScalarTokenizer
from tokenry_scalar.binning import bin_values

EDGES = {
    "mag_pstotal_r": np.array([14.0, 16.0, 18.0, 20.0, 22.0]),
    "err_mag_pstotal_r": np.array([0.0, 0.1, 0.2, 0.3, 2.0]),
}


def written(path, **changes):
    held = {
        "bin_edges": np.array(EDGES, dtype=object),
        "col_means": np.array({"mag_pstotal_r": 18.5, "err_mag_pstotal_r": 0.25}, dtype=object),
        "col_stds": np.array({"mag_pstotal_r": 1.0, "err_mag_pstotal_r": 0.1}, dtype=object),
        "col_dtypes": np.array({"mag_pstotal_r": "float32"}, dtype=object),
        "N_BINS": 4,
        "MAG_MIN": 14.0,
        "mag_max": 22.0,
        "magerr_max": 2.0,
        "written_by": "train_scalar_tokenizer.py",
    }
    np.savez(path, **(held | changes))
    return path


def test_tokens_are_those_of_the_scripts(tmp_path):
    tokenizer = ScalarTokenizer.from_legacy(written(tmp_path / "old.npz"))
    assert tokenizer.config.n_bins == 4
    assert tokenizer.config.missing == "mean"
    values = np.array([13.0, 17.0, 19.9, 30.0, np.nan])
    errors = np.array([-1.0, 0.15, 5.0, np.nan, 0.3])
    result = tokenizer.encode(
        {"id": range(5), "mag_pstotal_r": values, "err_mag_pstotal_r": errors}
    )
    expected = [
        bin_values(np.nan_to_num(values, nan=18.5), EDGES["mag_pstotal_r"], 4),
        bin_values(np.nan_to_num(errors, nan=0.25), EDGES["err_mag_pstotal_r"], 4, (0.0, 2.0)),
    ]
    assert np.array_equal(result["scalar_tokens"], np.stack(expected, axis=1))


def test_a_converted_file_is_an_artifact(tmp_path):
    tokenizer = ScalarTokenizer.from_legacy(written(tmp_path / "old.npz"))
    again = ScalarTokenizer.load(tokenizer.save(tmp_path / "new.safetensors"))
    assert again == tokenizer


def test_the_files_own_order_of_columns_is_kept(tmp_path):
    names = np.array(["err_mag_pstotal_r", "mag_pstotal_r"])
    tokenizer = ScalarTokenizer.from_legacy(written(tmp_path / "old.npz", scalar_cols=names))
    assert list(tokenizer.edges) == names.tolist()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"bin_edges": np.array({"a": np.array([1.0, 1.0])}, dtype=object)}, "do not rise"),
        ({"bin_edges": np.array({"a": np.array(["x", "y"])}, dtype=object)}, "no list of numbers"),
        ({"bin_edges": np.arange(3.0)}, "a dict of one array a column"),
        ({"N_BINS": 2}, "has 5 edges, and N_BINS is 2"),
    ],
    ids=["flat", "text", "array", "too-many"],
)
def test_other_contents_are_refused(tmp_path, changes, said):
    with pytest.raises(LegacyError, match=said):
        ScalarTokenizer.from_legacy(written(tmp_path / "old.npz", **changes))


class Hostile:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (self.marker,)


def test_a_hostile_file_runs_nothing(tmp_path):
    marker = tmp_path / "was-run"
    edges = np.array({"a": Hostile(str(marker))}, dtype=object)
    path = written(tmp_path / "old.npz", bin_edges=edges)
    with pytest.raises(LegacyError):
        ScalarTokenizer.from_legacy(path)
    assert not marker.exists()
