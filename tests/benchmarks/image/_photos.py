"""Patches of photographs that ship with packages, for training and for testing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.float32]
SIZE = 96
SCALES = (1.0, 0.8, 0.65, 0.5)


def sample_photos() -> tuple[list[Images], list[Images]]:
    """Scikit-learn's two photographs: the left 70 % for training, the right 30 % for testing."""
    from sklearn.datasets import load_sample_images

    photos = [np.float32(photo) / 255 for photo in load_sample_images().images]
    cuts = [int(0.7 * photo.shape[1]) for photo in photos]
    left = [photo[:, :cut] for photo, cut in zip(photos, cuts, strict=True)]
    return left, [photo[:, cut:] for photo, cut in zip(photos, cuts, strict=True)]


SKIMAGE_TRAINING = (
    "astronaut",
    "immunohistochemistry",
    "retina",
    "rocket",
    "stereo_motorcycle",
)
SKIMAGE_TEST = ("chelsea", "coffee", "hubble_deep_field")


def skimage_photos() -> tuple[list[Images], list[Images]]:
    """Scikit-image's colour photographs that come with the package itself."""
    return _skimage(SKIMAGE_TRAINING), _skimage(SKIMAGE_TEST)


def _skimage(names: Sequence[str]) -> list[Images]:
    from skimage import data

    found = (getattr(data, name)() for name in names)
    photos = (one[0] if isinstance(one, tuple) else one for one in found)  # the left one of two
    return [np.float32(photo) / 255 for photo in photos]


def crops(photos: Sequence[Images], count: int, scales: Sequence[float], seed: int) -> Images:
    """Random (count, 3, 96, 96) patches, from photographs and their smaller versions.

    Every place of every version is equally likely to be the corner of a patch.
    """
    random = np.random.default_rng(seed)
    versions = [scaled(photo, scale) for photo in photos for scale in scales]
    versions = [v for v in versions if min(v.shape[:2]) >= SIZE]
    areas = np.array([(v.shape[0] - SIZE + 1) * (v.shape[1] - SIZE + 1) for v in versions])
    out = np.empty((count, 3, SIZE, SIZE), np.float32)
    for i, pick in enumerate(random.choice(len(versions), count, p=areas / areas.sum())):
        photo = versions[pick]
        y = random.integers(photo.shape[0] - SIZE + 1)
        x = random.integers(photo.shape[1] - SIZE + 1)
        out[i] = photo[y : y + SIZE, x : x + SIZE].transpose(2, 0, 1)
    return out


def scaled(photo: Images, scale: float) -> Images:
    """The photograph at another size, each pixel the mean of what it covers."""
    if scale == 1.0:
        return photo
    import torch

    size = (round(photo.shape[0] * scale), round(photo.shape[1] * scale))
    given = torch.from_numpy(np.ascontiguousarray(photo)).movedim(-1, 0)[None]
    found = torch.nn.functional.interpolate(given, size=size, mode="bilinear", antialias=True)
    return found[0].movedim(0, -1).numpy()


def augmented(patches: Images, jitter: float, seed: int) -> Images:
    """Flipped, turned and brightened as the tokenizer's training does it."""
    import torch

    from tokenry_image._augment import brightened, turned

    generator = torch.Generator().manual_seed(seed)
    images = brightened(torch.from_numpy(patches), jitter, generator)
    return turned(images, torch.ones_like(images, dtype=torch.bool), generator)[0].numpy()


def blocks(patches: Images) -> NDArray[np.float32]:
    """Every 4 x 4 x 3 block as a row."""
    n, c, h, w = patches.shape
    cut = patches.reshape(n, c, h // 4, 4, w // 4, 4)
    return np.ascontiguousarray(cut.transpose(0, 2, 4, 1, 3, 5).reshape(-1, c * 16))


def joined(rows: NDArray[np.float32], count: int) -> Images:
    """Undo `blocks`."""
    cut = rows.reshape(count, SIZE // 4, SIZE // 4, 3, 4, 4)
    return np.ascontiguousarray(cut.transpose(0, 3, 1, 4, 2, 5).reshape(count, 3, SIZE, SIZE))
