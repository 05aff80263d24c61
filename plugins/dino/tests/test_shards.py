import io
import tarfile

import numpy as np
import pytest

from tokenry_core.errors import ConfigError, DataError
from tokenry_dino import add_to_shards
from tokenry_dino._command import main


@pytest.fixture
def patches(tmp_path):
    folder = tmp_path / "patches"
    folder.mkdir()
    for i, name in enumerate(["a", "b.v2"]):
        np.save(folder / f"{name}.npy", np.full((i + 1, 4), i, np.float16))
    return folder


@pytest.fixture
def shard(tmp_path):
    path = tmp_path / "shard-0.tar"
    with tarfile.open(path, "w") as tar:
        for name in ("x/a.jpg", "x/a.json", "x/b%2Ev2.jpg"):
            member = tarfile.TarInfo(name)
            member.size, member.mtime = 3, 77
            tar.addfile(member, io.BytesIO(b"old"))
    return path


def members(path):
    with tarfile.open(path) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}


def test_every_sample_gets_its_patches_and_the_old_shard_stays(shard, patches, tmp_path, capsys):
    before = shard.read_bytes()
    output = tmp_path / "new"
    assert (
        main(["add-to-shards", str(shard), "--patches", str(patches), "--output", str(output)]) == 0
    )
    found = members(output / "shard-0.tar")
    assert list(found) == [
        "x/a.jpg",
        "x/a.json",
        "x/a.dino_patches.npy",
        "x/b%2Ev2.jpg",
        "x/b%2Ev2.dino_patches.npy",
    ]
    assert found["x/a.jpg"] == b"old"
    assert found["x/b%2Ev2.dino_patches.npy"] == (patches / "b.v2.npy").read_bytes()
    assert shard.read_bytes() == before
    assert "written" in capsys.readouterr().out


def test_a_sample_without_patches_is_named_and_nothing_is_left(shard, patches, tmp_path):
    (patches / "a.npy").unlink()
    with pytest.raises(DataError, match=r"x/a has no patches"):
        add_to_shards([shard], patches, tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []


def test_shards_are_never_written_over(shard, patches):
    with pytest.raises(ConfigError, match="is there already"):
        add_to_shards([shard], patches, shard.parent)


def test_patches_are_not_added_twice(shard, patches, tmp_path):
    (new,) = add_to_shards([shard], patches, tmp_path / "new")
    with pytest.raises(ConfigError, match="is there already"):
        add_to_shards([new], patches, tmp_path / "newer")


def test_what_is_no_shard_is_refused(shard, patches, tmp_path):
    shard.write_bytes(b"no tar")
    with pytest.raises(DataError, match="cannot be read as a shard"):
        add_to_shards([shard], patches, tmp_path / "new")
