"""load_image: whatever is an image gives the same upright RGB, and what is none is refused."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from tokenry_core.errors import DataError
from tokenry_pairs.data import load_image
from tokenry_pairs.data._images import image_list
from tokenry_pairs.training._images import content_digest

RGB = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)


def stored(kind):
    """An image of a kind that means something else when its numbers are taken as they are."""
    exif = Image.Exif()
    picture = Image.fromarray(RGB)
    if kind == "turned":
        exif[0x0112] = 6
    elif kind == "wide grey":
        picture = Image.fromarray(RGB[..., 0].astype(np.uint16) * 256 + 77)
    elif kind == "transparent":
        picture.putalpha(Image.fromarray(RGB[..., 1]))
    elif kind != "RGB":
        picture = picture.convert({"palette": "P", "grey": "L", "one bit": "1"}[kind])
    file = io.BytesIO()
    picture.save(file, "PNG", exif=exif)
    return file.getvalue()


KINDS = ["RGB", "turned", "wide grey", "transparent", "palette", "grey", "one bit"]


@pytest.mark.parametrize("kind", KINDS)
def test_path_bytes_and_opened_image_are_the_same_picture(tmp_path, kind):
    data = stored(kind)
    path = tmp_path / "bärti 犬.png"
    path.write_bytes(data)
    opened = Image.open(io.BytesIO(data))
    found = [np.asarray(load_image(item)) for item in (path, str(path), data, opened)]
    for other in found[1:]:
        assert np.array_equal(found[0], other)
    assert found[0].shape == ((9, 6, 3) if kind == "turned" else (6, 9, 3))
    if kind == "wide grey":
        assert np.array_equal(found[0][..., 2], RGB[..., 0])


@pytest.mark.parametrize(
    "item", [RGB, RGB / 255, torch.from_numpy(RGB), torch.from_numpy(RGB).permute(2, 0, 1)]
)
def test_arrays_and_tensors_are_pictures_as_well(item):
    assert np.array_equal(np.asarray(load_image(item)), RGB)


@pytest.mark.parametrize(
    "item",
    [
        None,
        3,
        np.zeros((0, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.full((8, 8), 200.0),
        np.full((8, 8), np.nan),
        np.zeros((8, 8), np.uint16),
        [["a.jpg"]],
    ],
)
def test_what_is_no_picture_is_refused_with_what_is_allowed(item):
    with pytest.raises(DataError, match="is no image; allowed are paths"):
        load_image(item)


def test_floating_point_pictures_are_refused_opened_or_not():
    with pytest.raises(DataError, match="floating point"):
        load_image(Image.fromarray(np.zeros((4, 4), np.float32)))


@pytest.mark.parametrize(
    "images", ["a.jpg", b"", Image.new("L", (2, 2)), RGB, RGB[..., 0], torch.zeros(3, 8, 8)]
)
def test_one_image_is_no_set(images):
    with pytest.raises(DataError, match=r"image_set_a: a single image .*\[image\]"):
        image_list(images, "image_set_a")


def test_whatever_can_be_gone_through_is_a_set():
    assert image_list(("a.jpg", "b.jpg"), "set") == ["a.jpg", "b.jpg"]
    assert image_list((path for path in ["a.jpg"]), "set") == ["a.jpg"]
    assert len(image_list(np.zeros((5, 8, 8), np.uint8), "set")) == 5
    with pytest.raises(DataError, match="set has no image"):
        image_list([], "set")
    with pytest.raises(DataError, match="set: None was given"):
        image_list(None, "set")


def test_pictures_that_differ_in_palette_or_orientation_alone_have_contents_of_their_own():
    plain = Image.fromarray(RGB[..., 0] // 128).convert("P")
    plain.putpalette([0, 0, 0, 255, 0, 0])
    other = plain.copy()
    other.putpalette([0, 0, 0, 0, 255, 0])
    assert content_digest(plain) != content_digest(other)
    assert content_digest(plain) == content_digest(plain.copy())
    upright, turned = (Image.open(io.BytesIO(stored(kind))) for kind in ("RGB", "turned"))
    assert content_digest(upright) != content_digest(turned)
