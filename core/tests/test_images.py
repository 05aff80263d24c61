import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenry_core import image_kind, read_encoded, read_pixels, tensor_column
from tokenry_core.errors import DataError, ShapeError

IMAGES = np.arange(5 * 3 * 4, dtype=np.float32).reshape(5, 3, 4)


def flat(images, kind):
    return pa.array([image.reshape(-1).tolist() for image in images], kind)


COLUMNS = {
    "list": flat(IMAGES, pa.list_(pa.float32())),
    "large-list": flat(IMAGES, pa.large_list(pa.float32())),
    "fixed-size-list": flat(IMAGES, pa.list_(pa.float32(), 12)),
    "tensor": tensor_column(IMAGES),
    "rows": pa.array(IMAGES.tolist(), pa.list_(pa.list_(pa.float32()))),
    "fixed-rows": pa.array(IMAGES.tolist(), pa.list_(pa.list_(pa.float32(), 4), 3)),
}


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_every_kind_of_pixels_gives_the_same(column):
    values, bad = read_pixels(column, (3, 4))
    assert values.dtype == np.float32
    assert np.array_equal(values, IMAGES)
    assert not bad
    assert image_kind(column.type) == "pixels"


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_slices_and_chunks_give_their_own_rows(column):
    assert np.array_equal(read_pixels(column.slice(1, 3), (3, 4)).values, IMAGES[1:4])
    chunks = pa.chunked_array([column.slice(0, 2), column.slice(2)])
    assert np.array_equal(read_pixels(chunks, (3, 4)).values, IMAGES)
    assert read_pixels(column.slice(0, 0), (3, 4)).values.shape == (0, 3, 4)


@pytest.mark.parametrize("name", ["tensor", "rows", "fixed-rows"])
def test_shape_is_that_of_the_column(name):
    assert read_pixels(COLUMNS[name]).values.shape == (5, 3, 4)


@pytest.mark.parametrize("name", ["tensor", "rows", "fixed-rows"])
def test_other_shape_than_asked_for_is_refused(name):
    with pytest.raises(ShapeError, match=r"images have shape \(3, 4\); expected is \(4, 3\)"):
        read_pixels(COLUMNS[name], (4, 3))


def test_flat_image_without_a_shape_is_square():
    assert read_pixels(pa.array([[1.0] * 9, [2.0] * 9])).values.shape == (2, 3, 3)
    with pytest.raises(ShapeError, match="an image of 12 pixels is not square: say its shape"):
        read_pixels(COLUMNS["list"])


@given(st.lists(st.none() | st.integers(0, 6), max_size=12))
def test_rows_of_another_length_are_bad_and_the_others_whole(lengths):
    rows = [None if n is None else [float(i)] * n for i, n in enumerate(lengths)]
    values, bad = read_pixels(pa.array(rows, pa.list_(pa.float64())), (2, 2))
    assert set(bad) == {i for i, n in enumerate(lengths) if n != 4}
    for i, n in enumerate(lengths):
        if n == 4:
            assert (values[i] == i).all()
        else:
            assert bad[i] == (
                "the image is null"
                if n is None
                else f"the image has {n} pixels; expected are 4 (2 x 2)"
            )


def test_column_without_a_type_has_no_image_in_any_row():
    assert image_kind(pa.null()) == "pixels"
    pixels = read_pixels(pa.nulls(2), (3, 4))
    assert pixels.values.shape == (2, 3, 4)
    assert dict(pixels.bad) == {0: "the image is null", 1: "the image is null"}


def test_null_pixels_are_nan():
    values, bad = read_pixels(pa.array([[1, None, 3, 4]]), (2, 2))
    assert np.isnan(values[0, 0, 1])
    assert not bad


def test_memory_is_shared_where_it_can_be():
    images = np.zeros((4, 2, 3, 3), np.float32)
    assert np.shares_memory(read_pixels(tensor_column(images)).values, images)


def test_tensors_of_torch_are_columns():
    import torch

    images = torch.arange(24.0, requires_grad=True).reshape(2, 3, 4)
    assert np.array_equal(read_pixels(tensor_column(images)).values, images.detach().numpy())
    with pytest.raises(ShapeError, match=r"expected are \(rows, ...\)"):
        tensor_column(torch.zeros(3))


@pytest.mark.parametrize(
    "column",
    [pa.array([1.0]), pa.array([True]), pa.array([{"x": 1}]), pa.array([["text"]])],
    ids=["number", "bool", "struct", "texts"],
)
def test_what_holds_no_images_is_refused(column):
    with pytest.raises(DataError, match="holds no images|holds no pixels|expected are numbers"):
        read_pixels(column)


def test_rows_that_are_not_rectangular_are_refused():
    with pytest.raises(DataError, match="not rectangular"):
        read_pixels(pa.array([[[1.0, 2.0], [3.0]]]))


def test_encoded_images_are_bytes_or_a_reason(tmp_path):
    (tmp_path / "a.png").write_bytes(b"png")
    assert read_encoded(pa.array([b"x", None])) == [b"x", "the image is null"]
    found = read_encoded(pa.array(["a.png", "no.png", None]), str(tmp_path))
    assert found[0] == b"png"
    assert "no.png: cannot be read" in found[1]
    assert found[2] == "the path is null"
    hugging_face = pa.array(
        [{"bytes": b"y", "path": None}, {"bytes": None, "path": f"{tmp_path}/a.png"}]
    )
    assert read_encoded(hugging_face) == [b"y", b"png"]


def test_remote_paths_are_opened_through_fsspec():
    import fsspec

    with fsspec.open("memory://images/a.png", "wb") as file:
        file.write(b"far")
    assert read_encoded(pa.array(["memory://images/a.png"])) == [b"far"]
