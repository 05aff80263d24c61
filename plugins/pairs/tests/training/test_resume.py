"""Killed and resumed equals undisturbed."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest
import torch

from tokenry_core import Session
from tokenry_core.errors import NotTrained
from tokenry_pairs.training import train_pair_matching_model

OPTIONS = {
    "num_pairs_per_epoch": 40,
    "images_per_set": (1, 3),
    "batch_size": 8,
    "lr": 3e-3,
    "validation_pairs": 20,
    "checkpoint_every": 3,
    "hard_negatives": 0.5,
    "stages": [
        {"num_epochs": 2, "freeze_backbone": True},
        {"num_epochs": 2, "freeze_backbone": False},
    ],
}


def equal(one, two):
    return all(torch.equal(tensor, two[name]) for name, tensor in one.items())


@pytest.mark.parametrize("batch_pairs", ["all", "random"])
@pytest.mark.parametrize("stop", [1, 5, 10, 14], ids=lambda step: f"step{step}")
def test_stopped_and_resumed_equals_undisturbed(
    make_model, make_people, tmp_path, batch_pairs, stop
):
    data = make_people(4, 8), make_people(4, 4, seed=1)
    whole, parts = make_model("concat_mlp"), make_model("concat_mlp")
    options = {**OPTIONS, "batch_pairs": batch_pairs}
    expected = train_pair_matching_model(whole, *data, **options)
    left = [stop]

    def stops():
        left[0] -= 1
        return left[0] == 0

    session = Session(seed=42, stop=stops)
    with pytest.raises(NotTrained):
        train_pair_matching_model(parts, *data, save_dir=tmp_path, session=session, **options)
    again = make_model("concat_mlp")
    result = train_pair_matching_model(again, *data, save_dir=tmp_path, **options)
    assert equal(whole.state_dict(), again.state_dict())
    assert result["history"] == expected["history"]


KILLED = """
    import os, signal, sys
    sys.path.insert(0, {here!r})
    from conftest import people, small_model
    from test_resume import OPTIONS
    from tokenry_core import Session
    from tokenry_pairs.training import train_pair_matching_model

    steps = 0
    def stop():
        global steps
        steps += 1
        if steps == 8:
            os.kill(os.getpid(), signal.SIGKILL)
        return False

    data = people(4, 8), people(4, 4, seed=1)
    session = Session(seed=42, stop=stop)
    train_pair_matching_model(small_model(), *data, save_dir={folder!r}, session=session, **OPTIONS)
"""


@pytest.mark.slow
def test_killed_and_resumed_equals_undisturbed(make_model, make_people, tmp_path):
    code = textwrap.dedent(KILLED.format(here=os.path.dirname(__file__), folder=str(tmp_path)))
    done = subprocess.run([sys.executable, "-c", code], timeout=120)
    assert done.returncode == -signal.SIGKILL
    data = make_people(4, 8), make_people(4, 4, seed=1)
    killed, whole = make_model(), make_model()
    events = []
    session = Session(seed=42, event=lambda name, values: events.append(name))
    result = train_pair_matching_model(killed, *data, save_dir=tmp_path, session=session, **OPTIONS)
    expected = train_pair_matching_model(whole, *data, **OPTIONS)
    assert events.count("epoch") == 3  # the first one was done before
    assert equal(whole.state_dict(), killed.state_dict())
    assert result["history"] == expected["history"]


def test_a_checkpoint_of_other_options_is_not_taken(make_model, make_people, tmp_path):
    data = make_people(4, 8)
    options = {**OPTIONS, "stages": [{"num_epochs": 1, "freeze_backbone": True}]}
    names = set()
    for changed in ({}, {"lr": 1e-3}, {"seed": 3}):
        result = train_pair_matching_model(
            make_model(), data, save_dir=tmp_path, **{**options, **changed}
        )
        names.add(result["checkpoint"])
    train_pair_matching_model(make_model(seed=1), data, save_dir=tmp_path, **options)
    assert len(names) == 3
    assert len(list(tmp_path.glob("checkpoint-*.safetensors"))) == 4


def test_a_damaged_checkpoint_begins_again(make_model, make_people, tmp_path):
    data = make_people(4, 8)
    first, second = make_model(), make_model()
    path = train_pair_matching_model(first, data, save_dir=tmp_path, **OPTIONS)["checkpoint"]
    path.write_bytes(path.read_bytes()[:200])
    train_pair_matching_model(second, data, save_dir=tmp_path, **OPTIONS)
    assert equal(first.state_dict(), second.state_dict())


def test_a_finished_training_is_taken_as_it_is_unless_resume_is_false(
    make_model, make_people, tmp_path
):
    events = []
    session = Session(seed=42, event=lambda name, values: events.append(name))
    for resume in (True, True, False):
        train_pair_matching_model(
            make_model(),
            make_people(),
            save_dir=tmp_path,
            session=session,
            resume=resume,
            **OPTIONS,
        )
    assert events.count("epoch") == 8
