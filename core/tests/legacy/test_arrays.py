from __future__ import annotations

import pickle

import numpy as np
import numpy.ma
import pytest

from tokenry_core.errors import LegacyError
from tokenry_core.legacy import Record, read_legacy


def read(save, value: object, protocol: int = 4) -> object:
    return read_legacy(save(pickle.dumps(value, protocol)))["value"]


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_in_foreign_byte_order_come_in_this_machines(save, protocol):
    found = read(save, np.arange(6, dtype=">f4").reshape(2, 3), protocol)
    assert found.dtype == np.dtype("f4")
    assert found.dtype.isnative
    assert found.tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("protocol", range(6))
def test_fortran_and_permuted_arrays_keep_their_values(save, protocol):
    base = np.arange(24).reshape(2, 3, 4)
    for array in (np.asfortranarray(base), base.transpose(0, 2, 1), base[:, ::2]):
        assert np.array_equal(read(save, array, protocol), array)


@pytest.mark.parametrize("protocol", range(6))
def test_record_arrays_are_read_as_structured_arrays(save, protocol):
    array = np.rec.array([(1, 2.5)], dtype=[("n", "i4"), ("x", "f8")])
    found = read(save, array, protocol)
    assert (type(found), found["n"].tolist(), found["x"].tolist()) == (np.ndarray, [1], [2.5])


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_matrix_is_read_as_an_array(save):
    found = read(save, np.matrix([[1, 2]]))
    assert (type(found), found.tolist()) == (np.ndarray, [[1, 2]])


def test_masked_array_is_a_record_that_keeps_its_bytes(save):
    record = read(save, numpy.ma.array([1.5], mask=[False]))
    assert isinstance(record, Record)
    assert np.array([1.5]).tobytes() in record.state


def test_arrays_in_object_arrays_stay_arrays(save):
    array = np.empty(3, dtype=object)
    array[0], array[1], array[2] = np.arange(2), np.array(5), [1, [2]]
    found = read(save, array)
    assert isinstance(found[1], np.ndarray)
    assert (found[0].tolist(), found[1].tolist(), found[2]) == ([0, 1], 5, [1, [2]])


def test_structured_rows_with_objects_are_read(save):
    dtype = [("n", "i4"), ("o", "O"), ("in", [("s", "U2"), ("p", "O")])]
    array = np.array([(1, {"a": 1}, ("x", None)), (2, [3], ("y", (4,)))], dtype=dtype)
    found = read(save, array)
    assert found.dtype == array.dtype
    assert found.tolist() == array.tolist()


def test_structured_rows_are_not_converted_from_containers(save):
    """Turning a shared container to text would spell out the 2**n parts that it stands for."""
    array = np.array([(1, None)], dtype=[("s", "U2"), ("o", "O")])
    data = pickle.dumps(array, 2)
    assert data.count(b"X\x01\x00\x00\x001") == 1
    with pytest.raises(LegacyError, match="structured array with a list as <U2"):
        read_legacy(save(data.replace(b"X\x01\x00\x00\x001", b"]")))


def test_array_of_objects_must_list_as_many_as_it_declares(save):
    data = pickle.dumps(np.array([7, 8], dtype=object), 2)
    with pytest.raises(LegacyError, match=r"lists 2 values for an array of shape \(3,\)"):
        read_legacy(save(data.replace(b"K\x01K\x02\x85", b"K\x01K\x03\x85")))


def test_text_with_characters_that_do_not_exist_is_refused(save):
    data = pickle.dumps(np.array(["ab"]))
    broken = data.replace("ab".encode("utf-32-le"), b"\xff\xff\xff\x7fb\0\0\0")
    assert broken != data
    with pytest.raises(LegacyError, match="characters that do not exist"):
        read_legacy(save(broken))


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "value",
    [np.float32(1.5), np.int8(-1), np.True_, np.str_("é"), np.str_(""), np.bytes_(b"x"),
     np.complex64(1j), np.datetime64("NaT"), np.timedelta64(3, "ms"), np.longdouble(1) / 3],
    ids=lambda value: f"{type(value).__name__}-{value}",
)  # fmt: skip
def test_scalars_keep_their_type(save, same, value, protocol):
    assert same(read(save, value, protocol), value)


def test_array_that_holds_itself_gives_a_record_in_its_place(save):
    array = np.empty(1, dtype=object)
    array[0] = array
    (inner,) = read(save, array)
    assert isinstance(inner, Record)


@pytest.mark.parametrize("link", ["tuple", "list", "dict", "record"])
def test_deep_chains_of_arrays_and_containers_end_well(save, link):
    """Freed on the C stack, a chain without a bound would crash the interpreter."""
    state = b"K\x01K\x01\x85h\x02\x89](h\x03et"
    prefix = {
        "tuple": b"h\x03\x85",
        "list": b"](h\x03e",
        "dict": b"}Nh\x03s",
        "record": b"cos\nsystem\nh\x03\x85R",
    }[link]
    start = (
        b"\x80\x04cnumpy.core.multiarray\n_reconstruct\nq\x000"
        b"(cnumpy\nndarray\nK\x00\x85C\x01btq\x010"
        b"cnumpy\ndtype\n(X\x01\x00\x00\x00O\x89\x88tR(K\x03X\x01\x00\x00\x00|NNNJ\xff\xff\xff\xff"
        b"J\xff\xff\xff\xffK\x3ftbq\x020Nq\x030"
    )
    step = prefix + b"q\x030" + b"h\x00h\x01R(" + state + b"bq\x030"
    found = read_legacy(save(start + step * 20_000 + b"h\x03."))["value"]
    assert found.shape == (1,)
    del found
