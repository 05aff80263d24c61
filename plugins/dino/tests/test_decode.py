import io
import struct
import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tokenry_core.errors import DataError
from tokenry_dino import SUFFIXES
from tokenry_dino._decode import FORMATS, decode_image, image_size

RAMP = np.tile(np.arange(0, 240, 4, dtype=np.uint8), (40, 1))


def pixels(data):
    return np.asarray(decode_image(data))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_orientation_is_undone(encode_image, form, orientation):
    image = np.zeros((48, 80, 3), np.uint8)
    image[:24, :40] = 200
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(image)
    undone = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    if orientation in undone:
        stored = stored.transpose(undone[orientation])
    data = encode_image(stored, form, exif=exif)
    assert image_size(data) == (80, 48)
    found = pixels(data).astype(int)
    assert found.shape == image.shape
    assert np.abs(found - image).mean() < 5


def test_grey_becomes_three_equal_channels(encode_image):
    assert np.array_equal(pixels(encode_image(RAMP)), np.repeat(RAMP[..., None], 3, 2))


def test_one_bit_becomes_black_and_white(encode_image):
    found = pixels(encode_image(Image.fromarray(RAMP > 100)))
    assert np.array_equal(found[..., 0], np.where(RAMP > 100, 255, 0))


def test_sixteen_bits_keep_their_upper_byte(encode_image):
    wide = RAMP.astype(np.uint16) * 256 + 77
    for form in ("PNG", "TIFF"):
        assert np.array_equal(pixels(encode_image(wide, form))[..., 1], RAMP)


def test_transparency_is_laid_over_white(encode_image):
    image = np.full((4, 4, 4), 40, np.uint8)
    image[..., 3] = [255, 0, 255, 0]
    found = pixels(encode_image(image))
    assert (found[:, ::2] == 40).all()
    assert (found[:, 1::2] == 255).all()
    grey = np.dstack([np.full((4, 4), 40, np.uint8), image[..., 3]])
    assert np.array_equal(pixels(encode_image(Image.fromarray(grey, "LA"))), found)


def test_a_palette_is_looked_up_with_its_transparency(encode_image):
    image = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    image.putpalette([10, 20, 30, 40, 50, 60])
    assert pixels(encode_image(image)).tolist() == [[[10, 20, 30], [40, 50, 60]]]
    found = pixels(encode_image(image, transparency=0))
    assert found.tolist() == [[[255, 255, 255], [40, 50, 60]]]


def test_cmyk_becomes_rgb(encode_image):
    image = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    red, green, blue = pixels(encode_image(image, "TIFF"))[4, 4]
    assert red > 200
    assert green < 60
    assert blue < 60


def test_the_first_frame_of_an_animation_is_taken(encode_image):
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    data = encode_image(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert pixels(data)[0, 0].tolist() == [255, 0, 0]


def test_floating_point_pixels_are_refused(encode_image):
    with pytest.raises(DataError, match="no agreed range"):
        decode_image(encode_image(RAMP.astype(np.float32), "TIFF"))


def test_a_wrong_extension_does_not_matter_because_the_content_decides(picture):
    assert pixels(picture(form="BMP")).shape == (56, 84, 3)


@pytest.mark.parametrize("data", [b"", b"\xff", b"GIF89a", b"%PDF-1.4 ...", b"\0" * 5000])
def test_what_is_no_image_says_so(data):
    with pytest.raises(DataError):
        decode_image(data)
    with pytest.raises(DataError):
        image_size(data)


def test_postscript_is_never_run():
    with pytest.raises(DataError, match="no image that can be read"):
        decode_image(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n")
    assert "EPS" not in FORMATS


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF", "GIF"])
def test_a_truncated_file_is_refused(encode_image, form):
    data = encode_image(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8), form)
    with pytest.raises(DataError):
        decode_image(data[: len(data) * 2 // 3])


@pytest.mark.parametrize("size", [(60_000, 60_000), (9_500, 9_500), (0, 10), (2**31 - 1, 1)])
def test_a_bomb_or_an_image_without_pixels_is_refused_by_its_header(size):
    with pytest.raises(DataError):
        decode_image(png_of(*size))


def test_the_limit_of_pixels_can_be_lowered(picture):
    with pytest.raises(DataError, match="84 x 56 pixels"):
        decode_image(picture(), max_pixels=1000)


@given(st.binary(max_size=300))
def test_random_bytes_are_refused_or_decoded_but_never_crash(data):
    with suppress(DataError):
        decode_image(data)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_files_are_refused_or_decoded_but_never_crash(encode_image, data):
    form = data.draw(st.sampled_from(["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "PPM"]))
    good = bytearray(encode_image(RAMP, form))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    with suppress(DataError):
        decode_image(bytes(good), max_pixels=1 << 20)


def png_of(width, height):
    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + body).getvalue()


def test_an_opened_image_is_decoded_as_its_file_is(encode_image):
    exif = Image.Exif()
    exif[0x0112] = 6
    wide = Image.fromarray(RAMP.astype(np.uint16) * 256 + 77)
    for data in (encode_image(RAMP, "PNG", exif=exif), encode_image(wide, "PNG")):
        opened = Image.open(io.BytesIO(data))
        assert np.array_equal(np.asarray(decode_image(opened)), pixels(data))
    data = encode_image(RAMP, "JPEG")
    cut = Image.open(io.BytesIO(data[: len(data) * 3 // 4]))
    with pytest.raises(DataError, match="cannot be decoded"):
        decode_image(cut)


def test_files_that_are_taken_for_images_are_of_formats_that_are_read():
    known = Image.registered_extensions()
    assert {known[suffix] for suffix in SUFFIXES if suffix in known} <= set(FORMATS)
    assert {".jpg", ".jpeg", ".png", ".webp", ".tiff"} <= SUFFIXES
