import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from catalogs import contents, rewrite

import tokenry
from tokenry_core import read_provenance
from tokenry_core.errors import ConfigError, DataError


def quarantine(folder="tokens"):
    with open(f"{folder}/quarantine.jsonl") as file:
        return [json.loads(line) for line in file]


def test_every_row_is_encoded_in_order(run, catalog):
    tokenry.train(run)
    summary = tokenry.encode(run)
    tokens = tokenry.open_tokens("tokens").load()
    table = pq.read_table(catalog)
    assert summary.exit_code == 0
    assert (summary.rows_in, summary.rows_out, len(tokens["ids"])) == (1000, 1000, 1000)
    assert tokens["ids"].tolist() == table.column("id").to_pylist()
    assert tokens["moody_tokens"].tolist() == (table.column("x").to_numpy() % 7).tolist()
    missing = np.isnan(table.column("y").to_numpy())
    assert ((tokens["range_tokens"] == 16) == missing).all()


def test_filter_drops_rows_for_all_and_counts_them(run, catalog):
    run["source"]["where"] = "x < 30 and not is_null(y)"
    tokenry.train(run)
    summary = tokenry.encode(run)
    kept = sum(x < 30 for x in pq.read_table(catalog).column("x").to_pylist())
    assert (summary.rows_out, summary.filtered) == (kept, 1000 - kept)


def test_fragment_without_a_row_left_still_has_a_shard(run):
    run["source"]["where"] = "x > 1000"
    del run["tokenizers"]["range"]
    assert tokenry.encode(run).rows_out == 0
    assert pq.read_table("tokens/part-000000.parquet").schema.field("moody_tokens")
    assert len(tokenry.open_tokens("tokens")) == 0


def test_bad_rows_leave_every_field(run, catalog):
    rewrite(catalog / "part1.parquet", x={3: -1, 4: -2, 50: -3, 249: -4})
    tokenry.train(run)
    summary = tokenry.encode(run)
    assert (summary.rows_out, summary.quarantined_rows, summary.exit_code) == (996, 4, 1)
    assert [entry["row"] for entry in quarantine()] == [
        str(2**60 + 250 + row) for row in (3, 4, 50, 249)
    ]
    assert quarantine()[0]["reason"] == "moody: -1 is below zero"


def test_bad_rows_can_be_missing_instead(run, catalog):
    rewrite(catalog / "part1.parquet", x={3: -1, 4: -2, 50: -3})
    run["bad_rows"] = "missing"
    tokenry.train(run)
    summary = tokenry.encode(run)
    tokens = tokenry.open_tokens("tokens").load()
    assert (summary.rows_out, summary.missing_rows, summary.quarantined_rows) == (1000, 3, 0)
    assert np.flatnonzero(tokens["moody_tokens"] == 7).tolist() == [253, 254, 300]
    assert {entry["kept"] for entry in quarantine()} == {"as missing"}


def test_null_ids_are_quarantined(run, catalog):
    rewrite(catalog / "part0.parquet", id={7: None})
    del run["tokenizers"]["range"]
    summary = tokenry.encode(run)
    assert (summary.rows_out, summary.quarantined_rows) == (999, 1)
    assert quarantine()[0]["reason"] == 'the id column "id" is null'


def test_error_inside_a_plugin_quarantines_its_fragment(run, catalog):
    rewrite(catalog / "part2.parquet", x={120: 667})
    del run["tokenizers"]["range"]
    summary = tokenry.encode(run)
    assert (summary.rows_out, summary.quarantined_fragments, summary.exit_code) == (900, 1, 1)
    (entry,) = quarantine()
    assert entry == {"fragment": "part2@100", "reason": "RuntimeError: 667 is not to my liking"}


def test_on_error_fail_stops_at_the_first_fragment_that_fails(run, catalog):
    rewrite(catalog / "part2.parquet", x={120: 667})
    run["on_error"] = "fail"
    del run["tokenizers"]["range"]
    with pytest.raises(DataError, match='667 is not to my liking.*on_error is "fail"'):
        tokenry.encode(run)


def test_untrained_tokenizer_says_to_train(run):
    with pytest.raises(ConfigError, match="tokenizers.range: it is not trained.*tokenry train"):
        tokenry.encode(run)


def test_options_changed_after_training_are_named(run):
    tokenry.train(run)
    run["tokenizers"]["range"]["column"] = "x"
    with pytest.raises(ConfigError, match="column is 'x' .trained with 'y'.*train again"):
        tokenry.encode(run)


def test_missing_column_is_said_before_anything_is_written(run, place):
    run["tokenizers"]["moody"]["column"] = "xx"
    tokenry.train(run)
    with pytest.raises(LookupError, match='"xx" is missing.*Did you mean "x"'):
        tokenry.encode(run)
    assert not (place / "tokens" / "journal.jsonl").exists()


def test_tokenizers_that_share_a_field_name_get_their_keys_as_prefix(run):
    run["tokenizers"] = {"a": {"name": "moody"}, "b": {"name": "moody"}}
    tokenry.encode(run)
    names = pq.read_table("tokens/part-000000.parquet").column_names
    assert names == ["id", "a_moody_tokens", "b_moody_tokens"]


def test_shards_tell_their_provenance(run):
    tokenry.train(run)
    tokenry.encode(run)
    found = read_provenance("tokens/part-000003.parquet")
    fingerprint = tokenry.load("artifacts/range.safetensors").fingerprint
    assert found["tokenizers"]["range"]["fingerprint"] == fingerprint
    assert found["tokenizers"]["range"]["fields"]["range_tokens"]["codes"] == 16
    assert found["fragment"]["id"] == "part1@0"


def test_other_tokenizer_or_input_or_options_refuse_the_folder(run, catalog):
    del run["tokenizers"]["range"]
    tokenry.encode(run)
    changed = {**run, "bad_rows": "missing"}
    with pytest.raises(ConfigError, match="bad_rows was 'drop', now 'missing'.*--overwrite"):
        tokenry.encode(changed)
    rewrite(catalog / "part0.parquet", x={0: 50000})
    with pytest.raises(ConfigError, match="input.sha256 was"):
        tokenry.encode(run)


def test_overwrite_starts_anew(run, place):
    del run["tokenizers"]["range"]
    tokenry.encode(run)
    run["tokenizers"]["other"] = {"name": "moody"}
    assert tokenry.encode(run, overwrite=True).rows_out == 1000


def test_foreign_folder_is_left_alone(run, place):
    (place / "tokens").mkdir()
    (place / "tokens" / "thesis.tex").write_text("precious")
    del run["tokenizers"]["range"]
    for overwrite in (False, True):
        with pytest.raises(ConfigError, match="no run of Tokenry: it holds thesis.tex"):
            tokenry.encode(run, overwrite=overwrite)
    assert (place / "tokens" / "thesis.tex").read_text() == "precious"


def test_lost_shard_is_made_again(run, place):
    del run["tokenizers"]["range"]
    tokenry.encode(run)
    before = contents(place / "tokens")
    (place / "tokens" / "part-000001.parquet").unlink()
    assert tokenry.encode(run).finished_before == 11
    assert contents(place / "tokens") == before


def test_second_run_into_one_folder_is_refused(run, place):
    from tokenry.runs._lock import locked

    (place / "tokens").mkdir()
    with locked(place / "tokens"), pytest.raises(ConfigError, match="another run is writing"):
        tokenry.encode({**run, "tokenizers": {"moody": {}}})


def test_encoding_into_memory_needs_no_folder(run, place):
    run["sink"] = {"name": "arrow"}
    del run["tokenizers"]["range"]
    assert tokenry.encode(run).rows_out == 1000
    assert not (place / "tokens").exists()


def test_npz_shards_hold_the_same_tokens(run):
    del run["tokenizers"]["range"]
    tokenry.encode(run)
    tokenry.encode({**run, "sink": {"name": "npz", "path": "npz"}})
    first, second = (tokenry.open_tokens(folder).load() for folder in ("tokens", "npz"))
    assert (first["moody_tokens"] == second["moody_tokens"]).all()
    assert first["ids"].tolist() == second["ids"].tolist()


def test_string_ids_are_kept(run, catalog):
    for path in catalog.glob("*.parquet"):
        names = [f"{path.stem}/{i}" for i in range(250)]
        rewrite(path, id=names)
    del run["tokenizers"]["range"]
    tokenry.encode(run)
    assert tokenry.open_tokens("tokens").load()["ids"][-1] == "part3/249"


def test_rows_without_id_column_are_named_by_file_and_row(run, catalog):
    for path in catalog.glob("*.parquet"):
        table = pq.read_table(path).drop_columns(["id"])
        pq.write_table(table, path, row_group_size=100)
    del run["tokenizers"]["range"]
    tokenry.encode(run)
    assert tokenry.open_tokens("tokens").load()["ids"][501] == "part2.parquet:1"


def test_hooks_hear_the_run(run, place, monkeypatch):
    monkeypatch.setenv("TOKENRY_TEST_WITNESS", str(place / "heard"))
    del run["tokenizers"]["range"]
    tokenry.encode(run)
    heard = (place / "heard").read_text().splitlines()
    assert heard[0] == "started 12"
    assert heard[-1] == "finished 1000"
    assert len(heard) == 14


def test_hook_that_fails_costs_nothing(run, monkeypatch):
    monkeypatch.setenv("TOKENRY_TEST_BAD_HOOK", "part0@0")
    del run["tokenizers"]["range"]
    with pytest.warns(RuntimeWarning, match="fragment_done: a listener that fails"):
        assert tokenry.encode(run).rows_out == 1000


@pytest.mark.parametrize("overwrite", [False, True])
def test_empty_folder_and_repeated_run_are_fine(run, place, overwrite):
    (place / "tokens").mkdir()
    del run["tokenizers"]["range"]
    tokenry.encode(run, overwrite=overwrite)
    before = contents(place / "tokens")
    assert tokenry.encode(run, overwrite=overwrite).finished_before == (0 if overwrite else 12)
    assert contents(place / "tokens") == before


def test_training_uses_its_own_source_where_there_is_one(run, place):
    pq.write_table(pa.table({"id": [1, 2], "y": [-100.0, 100.0]}), place / "sample.parquet")
    run["training"] = {"source": {"name": "parquet", "path": "sample.parquet"}}
    tokenry.train(run)
    assert tokenry.load("artifacts/range.safetensors").state()["range"].tolist() == [-100, 100]


def test_training_leaves_out_what_cannot_be_read_and_says_so(run, catalog):
    data = (catalog / "part3.parquet").read_bytes()
    (catalog / "part3.parquet").write_bytes(data[:-50])
    summary = tokenry.train(run)
    assert summary.exit_code == 1
    assert "part3.parquet" in summary.quarantine[0]
    run["on_error"] = "fail"
    with pytest.raises(DataError, match="part3.parquet"):
        tokenry.train(run)


def test_nothing_to_train_is_said(run):
    del run["tokenizers"]["range"]
    with pytest.raises(ConfigError, match="none of the tokenizers needs training"):
        tokenry.train(run)


@pytest.mark.parametrize("mode", ["serial", "processes"])
def test_table_in_memory_is_a_source(place, mode):
    table = pa.table({"id": [5, 6, 7], "x": [8, 9, None]})
    run = {
        "source": {"name": "arrow", "data": table, "fragment_rows": 2},
        "tokenizers": {"moody": {}},
        "engine": {"name": "local", "mode": mode},
    }
    assert tokenry.encode(run).rows_out == 3
    assert tokenry.open_tokens("tokens").load()["moody_tokens"].tolist() == [1, 2, 7]


def test_lines_of_json_are_a_source(place):
    (place / "rows.jsonl").write_text('{"id": "a", "x": 3}\n{"id": "b", "x": 11}\n')
    run = {"source": {"name": "jsonl", "path": "rows.jsonl"}, "tokenizers": {"moody": {}}}
    tokenry.encode({**run, "engine": {"name": "local", "mode": "threads"}})
    assert tokenry.open_tokens("tokens").load()["moody_tokens"].tolist() == [3, 4]
