import os

import pytest

from tokenry_core import write_atomically


def test_file_and_its_folders_are_made(tmp_path):
    path = write_atomically(tmp_path / "a" / "b.bin", b"one")
    assert path.read_bytes() == b"one"
    assert os.listdir(path.parent) == ["b.bin"]


def test_file_takes_the_place_of_an_older_one(tmp_path):
    path = write_atomically(tmp_path / "b.bin", b"one")
    assert write_atomically(str(path), b"two") == path
    assert path.read_bytes() == b"two"


@pytest.mark.parametrize("stage", ["fsync", "replace"])
def test_older_file_stays_whole_when_writing_fails(tmp_path, monkeypatch, stage):
    path = write_atomically(tmp_path / "b.bin", b"one")

    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, stage, fail)
    with pytest.raises(OSError, match="no space left"):
        write_atomically(path, b"two")
    assert path.read_bytes() == b"one"
    assert os.listdir(tmp_path) == ["b.bin"]
