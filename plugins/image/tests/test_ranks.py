"""Several processes train one tokenizer."""

import builtins
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import tokenry_core
from tokenry_core.errors import ConfigError
from tokenry_image._ranks import Ranks
from tokenry_image._rows import Stack

TRAINED = """
import os, sys
sys.path.insert(0, sys.argv[1])
import torch
torch.set_num_threads(1)
from pathlib import Path
from test_training import photos, tiny
from tokenry_core import Session
folder, rank = Path(sys.argv[2]), int(os.environ["RANK"])
told = []
session = Session(workdir=folder / "work", event=lambda name, values: told.append(name))
tokenizer = tiny("vq").train(photos(), session)
tokenizer.save(folder / f"rank{rank}.safetensors")
(folder / f"rank{rank}.txt").write_text(" ".join(sorted(set(told))))
"""


@pytest.mark.slow
def test_two_processes_train_one_tokenizer_and_the_first_writes(tmp_path):
    script = tmp_path / "trained.py"
    script.write_text(TRAINED)
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    here = str(Path(__file__).parent)
    command = [sys.executable, *launch, str(script), here, str(tmp_path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, timeout=240, env=environment, check=False)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    first, second = (tokenry_core.load(tmp_path / f"rank{rank}.safetensors") for rank in (0, 1))
    assert first.fingerprint == second.fingerprint
    assert "validation" in (tmp_path / "rank0.txt").read_text()
    assert (tmp_path / "rank1.txt").read_text() == ""
    assert len(list((tmp_path / "work").glob("checkpoint-*"))) == 1
    assert first.encode(np.zeros((1, 1, 8, 8)))["image_tokens"].shape == (1, 2, 2)


def test_a_process_alone_keeps_what_it_has(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    ranks, stack = Ranks("cpu"), Stack(np.zeros((3, 1, 2, 2)), None, np.arange(3))
    assert ranks.first
    assert ranks.part(stack) is stack
    assert ranks.agree(0.5, True) == (0.5, True)
    weight = torch.ones(2, requires_grad=True)
    weight.sum().backward()
    ranks.average([weight])
    assert weight.grad.tolist() == [1.0, 1.0]


def test_processes_without_accelerate_are_told_what_to_install(monkeypatch):
    imported = builtins.__import__

    def without(name, *args):
        if name.startswith("accelerate"):
            raise ImportError(name)
        return imported(name, *args)

    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r"tokenry-image\[accelerate\]"):
        Ranks("cpu")
