import json

import numpy as np
import pytest
from torch.utils.data import DataLoader

from tokenry_core.errors import DataError
from tokenry_dino import PatchDataset, collate_packed, collate_padded


@pytest.fixture
def folder(tmp_path):
    for name, count in {"b": 3, "a": 5, "c": 1}.items():
        array = np.arange(count * 4, dtype=np.float16).reshape(count, 4)
        np.save(tmp_path / f"{name}.npy", array)
    return tmp_path


def test_samples_come_in_the_order_of_names_or_of_the_dataset(folder, tmp_path):
    assert [sample["image_id"] for sample in map(PatchDataset(folder).__getitem__, range(3))] == [
        "a",
        "b",
        "c",
    ]
    records = [{"image_path": f"{name}.png", "aspect_bucket": "84x56"} for name in "cab"]
    file = tmp_path / "data.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    dataset = PatchDataset(folder, file)
    assert dataset.ids == ["c", "a", "b"]
    assert dataset[1]["patches"].shape == (5, 4)


def test_an_image_without_patches_is_named(folder, tmp_path):
    file = tmp_path / "data.jsonl"
    file.write_text('{"image_path": "z.png", "aspect_bucket": "84x56"}')
    with pytest.raises(DataError, match=r"1 of 1 images \(z\)"):
        PatchDataset(folder, file)


def test_a_loader_pads_and_masks(folder):
    (batch,) = DataLoader(PatchDataset(folder), batch_size=3, collate_fn=collate_padded)
    assert batch["patches"].shape == (3, 5, 4)
    assert batch["mask"].sum(1).tolist() == [5, 3, 1]
    for i, name in enumerate(batch["image_id"]):
        own = batch["patches"][i][batch["mask"][i]].numpy()
        assert np.array_equal(own, np.load(folder / f"{name}.npy"))
    assert (batch["patches"][~batch["mask"]] == 0).all()


def test_a_loader_packs_with_offsets(folder):
    (batch,) = DataLoader(PatchDataset(folder), batch_size=3, collate_fn=collate_packed)
    assert batch["offsets"].tolist() == [0, 5, 8, 9]
    for name, start, stop in zip(
        batch["image_id"], batch["offsets"][:-1], batch["offsets"][1:], strict=True
    ):
        assert np.array_equal(batch["patches"][start:stop], np.load(folder / f"{name}.npy"))
