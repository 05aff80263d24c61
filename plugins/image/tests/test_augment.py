"""Parts, flips, turns and brightness."""

import numpy as np
import torch

from tokenry_image._augment import brightened, cropped, turned


def test_all_eight_orientations_occur_and_masks_turn_alike():
    image = torch.arange(9.0).reshape(1, 1, 3, 3).expand(400, 1, 3, 3)
    images, mask = turned(image, image > 2, torch.Generator().manual_seed(0))
    assert len({tuple(one.flatten().tolist()) for one in images}) == 8
    assert torch.equal(mask, images > 2)


def test_every_part_of_an_image_occurs_and_masks_are_cut_alike():
    image = torch.arange(16.0).reshape(1, 1, 4, 4).expand(200, 1, 4, 4)
    images, mask = cropped(image, image > 5, 2, torch.Generator().manual_seed(0))
    corners = {int(one[0, 0, 0]) for one in images}
    assert corners == {0, 1, 2, 4, 5, 6, 8, 9, 10}
    assert torch.equal(images[:, 0, 1, 1] - images[:, 0, 0, 0], torch.full((200,), 5.0))
    assert torch.equal(mask, images > 5)


def test_brightness_changes_by_bands_within_its_share():
    given = torch.ones(500, 2, 2, 2)
    gains = brightened(given, 0.2, torch.Generator().manual_seed(0))
    assert torch.equal(gains[:, :, 0, 0], gains[:, :, 1, 1])
    assert 0.8 <= gains.min() < 0.82
    assert 1.18 < gains.max() <= 1.2
    assert np.abs(np.corrcoef(gains[:, :, 0, 0].T)[0, 1]) < 0.2
    assert torch.equal(given, torch.ones(500, 2, 2, 2))
