import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from tokenry_core.errors import ConfigError, DataError, ShapeError
from tokenry_pairs.data import (
    GenericLambdaDataset,
    ImageTransform,
    PairSamplerDataset,
    collate_pairs,
    load_image,
)


def first_value(image):
    return torch.tensor([float(np.asarray(image)[0, 0, 0])])


TRANSFORM = ImageTransform((2, 2), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def values(batches):
    return [batch["set_a"].flatten(1).tolist() for batch in batches]


def test_samples_are_sets_of_tensors_and_a_label(photos):
    dataset = PairSamplerDataset.from_labeled_df(photos({"rex": 6, "ada": 6}), 10)
    assert isinstance(dataset, GenericLambdaDataset)
    assert len(dataset) == 10
    sample = dataset[1]
    assert sample["set_a"].shape == sample["set_b"].shape == (3, 3, 8, 8)
    assert sample["label"] == 1
    assert type(sample["label"]) is int


def test_sets_of_one_size_are_batched_as_any_dataset_is(photos):
    dataset = PairSamplerDataset.from_labeled_df(photos({"rex": 4, "ada": 4}), 6, 2)
    batch = next(iter(DataLoader(dataset, batch_size=4)))
    assert batch["set_a"].shape == batch["set_b"].shape == (4, 2, 3, 8, 8)
    assert batch["label"].tolist() == [0, 1, 0, 1]


def test_what_loads_an_image_may_give_a_tensor(photos):
    df = photos({"rex": 4, "ada": 4}).assign(x=list("abcdefgh"))
    dataset = PairSamplerDataset.from_labeled_df(
        df, 2, 2, load=lambda name: torch.full((3, 2, 2), float(ord(name)))
    )
    pair = dataset.pair(0)
    assert dataset[0]["set_a"][:, 0, 0, 0].tolist() == [ord(df["x"][row]) for row in pair.a]


def test_attributes_say_how_it_was_made(photos):
    df = photos({"rex": 2, "ada": 3})
    dataset = PairSamplerDataset.from_labeled_df(df, 4, 2, 0.25, first_value, seed=7)
    assert dataset.label_to_indices == {"ada": [2, 3, 4], "rex": [0, 1]}
    assert (dataset.images_per_set, dataset.positive_ratio) == (2, 0.25)
    assert dataset.transform is first_value
    assert isinstance(dataset.rng, np.random.Generator)


def test_the_images_are_those_of_the_pair(photos):
    df = photos({"rex": 4, "ada": 4})
    dataset = PairSamplerDataset.from_labeled_df(df, 4, transform=first_value)
    pair = dataset.pair(2)
    expected = [first_value(load_image(df["x"][row])).item() for row in pair.b]
    assert dataset[2]["set_b"].flatten().tolist() == expected


def test_the_same_seed_gives_the_same_pairs_and_another_epoch_others(photos):
    df = photos({"rex": 6, "ada": 6})
    one, two = (PairSamplerDataset.from_labeled_df(df, 20, seed=3) for _ in range(2))
    assert all(torch.equal(one[i]["set_a"], two[i]["set_a"]) for i in range(20))
    two.set_epoch(1)
    assert (one.epoch, two.epoch) == (0, 1)
    assert not all(torch.equal(one[i]["set_a"], two[i]["set_a"]) for i in range(20))


@pytest.mark.parametrize("context", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_any_number_of_workers_gives_the_same_epochs(photos, context):
    df = photos({"rex": 6, "ada": 6})

    def epochs(workers):
        dataset = PairSamplerDataset.from_labeled_df(df, 6, 2, transform=TRANSFORM)
        options = {"persistent_workers": True, "multiprocessing_context": context}
        loader = DataLoader(
            dataset,
            2,
            collate_fn=collate_pairs,
            num_workers=workers,
            **(options if workers else {}),
        )
        found = []
        for epoch in range(2):
            dataset.set_epoch(epoch)  # reaches workers that live on
            found.append(values(loader))
        return found

    plain = epochs(0)
    assert plain[0] != plain[1]
    assert epochs(2) == plain


def test_sets_of_different_sizes_are_batched_with_masks(photos):
    dataset = PairSamplerDataset.from_labeled_df(photos({"rex": 9, "ada": 9}), 8, (1, 4))
    samples = [dataset[index] for index in range(8)]
    batch = collate_pairs(samples)
    for side in "ab":
        sizes = [len(sample[f"set_{side}"]) for sample in samples]
        assert len(set(sizes)) > 1
        assert batch[f"mask_{side}"].sum(1).tolist() == sizes
        for row, sample in enumerate(samples):
            real = batch[f"set_{side}"][row][batch[f"mask_{side}"][row]]
            assert torch.equal(real, sample[f"set_{side}"])
        assert not batch[f"set_{side}"][~batch[f"mask_{side}"]].any()
    assert batch["label"].dtype == torch.int64


def test_a_transform_brings_images_to_a_backbones_input(photos, small):
    df = photos({"rex": 2, "ada": 2}, size=(30, 20))
    backbone = small().backbone
    image = ImageTransform.of(backbone)(load_image(df["x"][0]))
    assert image.shape == (3, 8, 8)
    assert image.dtype == torch.float32
    raw = ImageTransform((8, 8), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))(load_image(df["x"][0]))
    mean, std = (torch.tensor(v)[:, None, None] for v in (backbone.mean, backbone.std))
    torch.testing.assert_close(image, (raw - mean) / std)


def test_a_broken_image_is_named(photos):
    df = photos({"rex": 2, "ada": 2})
    with open(df["x"][2], "wb") as file:
        file.write(b"no image")
    dataset = PairSamplerDataset.from_labeled_df(df, 4, 2, 0.0)
    with pytest.raises(DataError, match=r"ada/0\.png: this is no image"):
        _ = [dataset[index] for index in range(4)]


@pytest.mark.parametrize("given", ["nowhere.png", 3])
def test_what_is_no_image_file_is_refused(given):
    with pytest.raises(
        DataError, match=r"nowhere\.png: the image cannot be read|a int .*is no image"
    ):
        load_image(given)


def test_images_of_different_sizes_ask_for_a_transform(photos):
    df = photos({"rex": 2, "ada": 2})
    load_image(df["x"][0]).resize((5, 5)).save(df["x"][0])
    dataset = PairSamplerDataset.from_labeled_df(df, 4, 2, 0.0)
    with pytest.raises(ShapeError, match="different shapes.*ImageTransform"):
        _ = [dataset[index] for index in range(4)]


def test_impossible_requests_are_refused_at_once(photos):
    df = photos({"rex": 3})
    with pytest.raises(DataError, match="there is 1 label"):
        PairSamplerDataset.from_labeled_df(df, 4)
    assert len(PairSamplerDataset.from_labeled_df(df, 4, positive_ratio=1.0)) == 4
    with pytest.raises(ConfigError, match="seed -1"):
        PairSamplerDataset.from_labeled_df(df, 4, positive_ratio=1.0, seed=-1)


def test_a_dataset_of_other_functions_has_no_epochs():
    dataset = PairSamplerDataset({"label": int}, 2, {}, 1, 0.5, None, np.random.default_rng(0))
    assert dataset[1] == {"label": 1}
    with pytest.raises(ConfigError, match="from_labeled_df"):
        dataset.set_epoch(1)
