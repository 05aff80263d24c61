"""Files as they are found in the wild: each broken one is named, and the rest is encoded."""

import json
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tokenry

GOOD = {"id": [1, 2, 3], "x": [3, 11, None]}


def truncated(path):
    pq.write_table(pa.table(GOOD), path)
    path.write_bytes(path.read_bytes()[:-9])


def damaged_page(path):
    # Not compressed, so that the damage is where the values are, and not in the footer.
    table = pa.table({"id": list(range(1000)), "x": np.arange(1000)})
    pq.write_table(table, path, compression="zstd")
    data = bytearray(path.read_bytes())
    data[40:400] = bytes(360)
    path.write_bytes(data)


def empty(path):
    path.write_bytes(b"")


def text(path):
    path.write_text("id,x\n1,2\n")


def without_row_groups(path):
    pq.ParquetWriter(path, pa.table(GOOD).schema).close()


def without_rows(path):
    pq.write_table(pa.table(GOOD).slice(0, 0), path)


def missing_column(path):
    pq.write_table(pa.table({"id": [4], "y": [1]}), path)


def wrong_type(path):
    pq.write_table(pa.table({"id": [4], "x": ["three"]}), path)


def missing_id(path):
    pq.write_table(pa.table({"x": [4]}), path)


BROKEN = {
    truncated: "cannot be read as Parquet",
    damaged_page: "cannot be read",
    empty: "cannot be read as Parquet",
    text: "cannot be read as Parquet",
    missing_column: '"x" is missing; there are: id, y',
    wrong_type: "could not convert string to float",
    missing_id: '"id" is missing',
}


def encode(**changes):
    run = {
        "source": {"name": "parquet", "path": "data", "fragment_bytes": 1},
        "tokenizers": {"moody": {}},
        "engine": {"name": "local", "mode": "serial"},
    }
    return tokenry.encode({**run, **changes})


def quarantine():
    with open("tokens/quarantine.jsonl") as file:
        return [json.loads(line) for line in file]


@pytest.fixture
def data(place):
    (place / "data").mkdir()
    pq.write_table(pa.table(GOOD), place / "data" / "a.parquet", row_group_size=9)
    return place / "data"


@pytest.mark.parametrize("broken", BROKEN, ids=lambda f: f.__name__)
def test_broken_file_is_quarantined_and_the_rest_encoded(data, broken):
    broken(data / "b.parquet")
    summary = encode()
    assert (summary.rows_out, summary.exit_code) == (3, 1)
    assert summary.quarantined_fragments >= 1
    for entry in quarantine():
        assert entry["fragment"].startswith("b")
        assert re.search(re.escape(BROKEN[broken]), entry["reason"]), entry["reason"]


@pytest.mark.parametrize("harmless", [without_row_groups, without_rows], ids=lambda f: f.__name__)
def test_file_without_rows_is_no_error(data, harmless):
    harmless(data / "b.parquet")
    summary = encode()
    assert (summary.rows_out, summary.exit_code, summary.fragments) == (3, 0, 4)


def test_other_number_types_and_more_columns_are_no_error(data):
    table = pa.table({"z": ["?"], "x": pa.array([2.0], pa.float32()), "id": pa.array([9])})
    pq.write_table(table, data / "b.parquet")
    assert encode().rows_out == 4


def test_nulls_inside_lists_are_missing_points_and_absent_lists_missing_rows(data, place):
    flux = [[1.0, None, 3.0], None, [4.0, 5.0, 6.0], [None, None, None]]
    ivar = [[1.0, 1.0, 1.0], None, [1.0, None, 1.0], [None, None, None]]
    pq.write_table(pa.table({"id": [1, 2, 3, 4], "f": flux, "i": ivar}), place / "spectra.parquet")
    group = {"name": "s", "kind": "flux_ivar", "flux_col": "f", "ivar_col": "i", "length": 3}
    run = {
        "source": {"name": "parquet", "path": "spectra.parquet"},
        "tokenizers": {"spectrum": {"codebook_size": 4, "groups": [group]}},
        "engine": {"name": "local", "mode": "serial"},
    }
    tokenry.train(run)
    assert tokenry.encode(run).exit_code == 0
    tokens = tokenry.open_tokens("tokens").load()["tokens_s"]
    assert (tokens == 4).tolist() == [
        [False, True, False],
        [True, True, True],
        [False, True, False],
        [True, True, True],
    ]


def test_lists_of_different_length_within_a_row_are_a_bad_row(data, place):
    columns = {"id": [1, 2], "f": [[1.0, 2.0], [1.0, 2.0]], "i": [[1.0, 1.0], [1.0]]}
    pq.write_table(pa.table(columns), place / "spectra.parquet")
    group = {"name": "s", "kind": "flux_ivar", "flux_col": "f", "ivar_col": "i", "length": 2}
    run = {
        "source": {"name": "parquet", "path": "spectra.parquet"},
        "tokenizers": {"spectrum": {"codebook_size": 2, "groups": [group]}},
        "engine": {"name": "local", "mode": "serial"},
    }
    tokenry.train(run)
    assert tokenry.encode(run).quarantined_rows == 1
    (entry,) = quarantine()
    assert entry["row"] == "2"


def test_no_file_at_all_says_what_to_give(place):
    with pytest.raises(ValueError, match='"data" does not exist; give a file, a folder or a glob'):
        encode()


def test_no_file_that_can_be_read_says_so(data):
    truncated(data / "a.parquet")
    with pytest.raises(ValueError, match="none of 1 files can be read"):
        encode()


def test_older_tokenizer_file_is_converted_and_encodes(place, capsys):
    from tokenry.cli import main

    edges = {"g": np.linspace(0, 1, 5)}
    extra = {"col_means": {"g": 0.5}, "col_stds": {"g": 0.3}, "col_dtypes": {"g": "float32"}}
    np.savez("old.npz", bin_edges=edges, N_BINS=4, **extra)
    assert main(["convert", "old.npz", "new.safetensors", "--plugin", "scalar"]) == 0
    assert capsys.readouterr().out.strip() == "new.safetensors"
    tokens = tokenry.load("new.safetensors").encode({"id": [1, 2], "g": [0.3, 0.9]})
    assert tokens["scalar_tokens"].tolist() == [[1], [3]]
