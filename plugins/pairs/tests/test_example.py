"""The example's script and its run file work on the same pictures."""

import runpy
import sys
from pathlib import Path

import pytest
import yaml

import tokenry
from tokenry_pairs import PairMatchingTrainer

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "pair_matching"


@pytest.mark.slow
def test_script_and_run_file_learn_the_digits(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["train.py", "--epochs", "1"])
    runpy.run_path(str(EXAMPLE / "train.py"), run_name="__main__")
    assert "three pictures of a 0 look like" in capsys.readouterr().out
    assert "The worst mistakes" in Path("digits/report.html").read_text()

    run = yaml.safe_load((EXAMPLE / "run.yaml").read_text())
    run["tokenizers"]["digits"]["training"]["num_epochs"] = 1
    tokenry.train(run)
    by_script = PairMatchingTrainer.load("digits/digits.safetensors").tokenizer
    by_run = PairMatchingTrainer.load("artifacts/digits.safetensors").tokenizer
    assert by_run.config == by_script.config
