"""Checkpoints: whole or none, and an optimizer goes on as if nothing had been."""

import pickle

import pytest
import torch

from tokenry_core.checkpoints import (
    optimizer_tensors,
    read_checkpoint,
    restore_optimizer,
    write_checkpoint,
)

NOTE = {"step": 3, "history": [{"loss": 0.1 + 0.2}], "best": None}


def test_groups_and_note_come_back_bit_for_bit(tmp_path):
    path = tmp_path / "new" / "a.safetensors"
    groups = {
        "model": {"layer.weight": torch.randn(3, 2).T, "half": torch.ones(2, dtype=torch.bfloat16)},
        "bank": {"0/exp": torch.tensor(2)},
    }
    write_checkpoint(path, groups, NOTE)
    found, note = read_checkpoint(path)
    assert note == NOTE
    assert {group: list(tensors) for group, tensors in found.items()} == {
        "bank": ["0/exp"],
        "model": ["half", "layer.weight"],
    }
    for group, tensors in groups.items():
        for name, tensor in tensors.items():
            assert found[group][name].dtype == tensor.dtype
            assert torch.equal(found[group][name], tensor)


@pytest.mark.parametrize("damage", ["missing", "cut", "empty", "pickle", "folder", "foreign"])
def test_what_is_no_whole_checkpoint_is_none(tmp_path, damage):
    path = tmp_path / "a.safetensors"
    write_checkpoint(path, {"model": {"w": torch.ones(100)}}, NOTE)
    whole = path.read_bytes()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    elif damage == "foreign":  # safetensors of somebody else, without a note
        from safetensors.torch import save_file

        save_file({"w": torch.ones(1)}, path)
    elif damage != "missing":
        path.write_bytes(
            {"cut": whole[:-7], "empty": b"", "pickle": pickle.dumps({"w": 1})}[damage]
        )
    assert read_checkpoint(path) is None


def test_a_file_that_was_there_stays_whole_until_the_new_one_is(tmp_path, monkeypatch):
    path = tmp_path / "a.safetensors"
    write_checkpoint(path, {"model": {"w": torch.zeros(1)}}, 1)
    monkeypatch.setattr("os.fsync", lambda handle: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_checkpoint(path, {"model": {"w": torch.ones(1)}}, 2)
    assert read_checkpoint(path)[1] == 1
    assert [one.name for one in tmp_path.iterdir()] == ["a.safetensors"]


def steps(model, optimizer, count):
    for number in range(count):
        optimizer.zero_grad()
        model(torch.full((4, 3), float(number + 1))).square().mean().backward()
        optimizer.step()


def test_a_restored_optimizer_goes_on_as_the_first_would_have():
    torch.manual_seed(0)
    model, other = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    steps(model, optimizer, 3)
    other.load_state_dict(model.state_dict())
    again = torch.optim.AdamW(other.parameters(), lr=0.1)
    kept = {name: tensor.clone() for name, tensor in optimizer_tensors(optimizer).items()}
    restore_optimizer(again, kept)
    steps(model, optimizer, 2)
    steps(other, again, 2)
    assert torch.equal(model.weight, other.weight)
