"""Each embedding belongs to the patch that it is said to belong to."""

import numpy as np
import pytest
from PIL import Image

from tokenry_dino import ImagesSource

PLACES = ["top left", "top right", "bottom left", "bottom right", "middle"]


def place(name, rows, columns):
    if name == "middle":
        return rows // 2, columns // 2
    return (rows - 1) * name.startswith("bottom"), (columns - 1) * name.endswith("right")


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize(
    ("model", "patch"),
    [("dinov2_vits14", 14), ("dinov2_vits14_reg", 14), ("dinov3_vits16", 16)],
    ids=["one prefix token", "five prefix tokens", "five and rotary positions"],
)
def test_painting_a_square_changes_its_own_patch_most(small, encode_image, model, patch, where):
    rows, columns = 5, 8
    size = (columns * patch, rows * patch)
    tokenizer = small(model, layer=0, normalized=False, buckets=[size])
    image = np.random.default_rng(3).integers(90, 166, (size[1], size[0], 3), np.uint8)
    row, column = place(where, rows, columns)
    painted = image.copy()
    painted[row * patch :, column * patch :][:patch, :patch] = (255, 0, 0)
    tokens = tokenizer.encode({"id": [0, 1], "image": [encode_image(image), encode_image(painted)]})
    before, after = tokens["dino_patches_flat"].reshape(2, rows * columns, -1)
    change = np.linalg.norm(after - before, axis=1)
    assert change.argmax() == row * columns + column
    assert change.max() > 2 * np.sort(change)[-2]


@pytest.mark.parametrize(("width", "height"), [(96, 64), (64, 96), (80, 80)])
def test_a_patch_mean_model_gives_each_patchs_mean_colour(
    small, patch_mean, tmp_path, width, height
):
    image = np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(image).save(tmp_path / "a.png")
    buckets = [(96, 64), (64, 96), (80, 80)]
    source = ImagesSource(path=str(tmp_path), buckets=buckets)
    tokens = small(patch_mean, buckets=buckets, options={}).encode(source)
    blocks = image.reshape(height // 16, 16, width // 16, 16, 3).astype(np.float32)
    expected = blocks.mean((1, 3)).reshape(-1, 3)
    assert np.array_equal(tokens["dino_patches_flat"], expected)
    assert tokens["dino_grid"].tolist() == [[height // 16, width // 16]]


def test_the_whole_image_is_seen_without_a_crop(small, patch_mean, encode_image):
    image = np.zeros((400, 900, 3), np.uint8)
    image[:, :30], image[:, -30:] = (250, 0, 0), (0, 0, 250)  # what a centre crop would lose
    tokens = small(patch_mean, buckets=[(64, 64)], options={}).encode(
        {"id": [1], "image": [encode_image(image)]}
    )
    patches = tokens["dino_patches_flat"].reshape(4, 4, 3)
    assert (patches[:, 0, 0] > 20).all()
    assert (patches[:, 3, 2] > 20).all()


def test_cover_shows_the_centre_of_the_bucket_alone(small, patch_mean, encode_image):
    image = np.zeros((100, 300, 3), np.uint8)
    image[:, :100], image[:, 100:200], image[:, 200:] = (250, 0, 0), (0, 250, 0), (0, 0, 250)
    tokens = small(patch_mean, buckets=[(64, 64)], options={}, fit="cover").encode(
        {"id": [1], "image": [encode_image(image)]}
    )
    inner = tokens["dino_patches_flat"].reshape(4, 4, 3)[:, 1:3]
    assert (inner == [0, 250, 0]).all()
