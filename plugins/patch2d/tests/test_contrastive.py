from __future__ import annotations

import pytest
import torch
from torch.utils.data import DataLoader

from tokenry_patch2d import PatchPairDataset

IMAGES = torch.randn(10, 2, 32, 32, generator=torch.Generator().manual_seed(0))


def _dataset(**options):
    return PatchPairDataset(IMAGES, 16, 4, 2, rotation_choices=range(4), **options)


def _same(a, b):
    assert set(a) == set(b)
    for name in a:
        assert torch.equal(a[name], b[name]), name


def test_positives_of_weight_one_show_the_same_pixels():
    dataset = _dataset(pairs_per_image=8, min_fraction=1.0)
    batch = dataset.__getitems__(range(len(dataset)))
    assert len(dataset) == 80
    assert (batch["weights"] == 1).all()
    assert len(batch["positives"]) > 200
    for sample, i, j in batch["positives"].tolist():
        first = batch["tokens1"][sample, i].view(2, 4, 4)
        second = batch["tokens2"][sample, j].view(2, 4, 4)
        turn = int(batch["rotations"][sample])
        assert torch.equal(first, torch.rot90(second, turn, (1, 2)))


def test_weights_are_at_least_the_smallest_fraction():
    batch = _dataset(min_fraction=0.6).__getitems__(range(10))
    assert batch["weights"].min() >= 0.6
    assert len(_dataset().__getitems__(range(10))["weights"]) > len(batch["weights"])


def test_items_joined_are_the_batch_cut_as_one():
    dataset = _dataset()
    items = [dataset[n] for n in (4, 1, 7)]
    _same(PatchPairDataset.collate(items), dataset.__getitems__([4, 1, 7]))


def test_a_negative_index_counts_from_the_end_and_others_are_refused():
    dataset = _dataset()
    _same(dataset[-1], dataset[9])
    with pytest.raises(IndexError, match="item 10 of 10"):
        dataset[10]


def test_an_item_is_the_same_each_time_and_another_in_each_epoch_and_seed():
    dataset = _dataset()
    first = dataset.__getitems__(range(10))
    _same(first, dataset.__getitems__(range(10)))
    dataset.set_epoch(1)
    assert not torch.equal(first["deltas"], dataset.__getitems__(range(10))["deltas"])
    assert not torch.equal(first["deltas"], _dataset(seed=1).__getitems__(range(10))["deltas"])


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_gives_the_same_batches_with_any_number_of_workers(workers):
    dataset = _dataset()
    loader = DataLoader(dataset, 4, num_workers=workers, collate_fn=PatchPairDataset.collate)
    batches = list(loader)
    assert [len(batch["tokens1"]) for batch in batches] == [4, 4, 2]
    for start, batch in zip((0, 4, 8), batches, strict=True):
        _same(batch, dataset.__getitems__(range(start, min(start + 4, 10))))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pairs_per_image": 0}, "pairs_per_image must be at least 1"),
        ({"min_fraction": 1.5}, "min_fraction from 0 to 1"),
        ({"delta_range": (20, 30)}, "smallest image that would do is"),
    ],
    ids=str,
)
def test_options_that_cannot_be_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        _dataset(**options)


def test_images_must_have_four_dimensions():
    with pytest.raises(ValueError, match="images must be 4D"):
        PatchPairDataset(torch.zeros(1, 8, 8), 4, 2)
