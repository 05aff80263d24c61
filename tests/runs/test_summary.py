"""What a run says of itself when it is done."""

from pathlib import Path

import pytest

import tokenry
from tokenry.runs import EncodeSummary, TrainSummary, read_manifest
from tokenry_core.errors import DataError


def test_training_and_encoding_say_what_they_did(run):
    trained, encoded = tokenry.train(run), tokenry.encode(run)
    assert isinstance(trained, TrainSummary)
    assert isinstance(encoded, EncodeSummary)
    assert "trained on 1,000 rows" in str(trained)
    assert "1,000 rows encoded into tokens" in str(encoded)


def test_the_manifest_of_a_finished_run_is_read(run):
    with pytest.raises(DataError, match="holds no finished run"):
        read_manifest(Path("tokens"))
    tokenry.train(run)
    tokenry.encode(run)
    manifest = read_manifest(Path("tokens"))
    assert manifest == tokenry.open_tokens("tokens").manifest
    assert sum(fragment["rows_out"] for fragment in manifest["fragments"]) == 1000
