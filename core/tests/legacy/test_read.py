from __future__ import annotations

import io
import pickle
import zipfile

import joblib
import numpy as np
import pytest

from tokenry_core.errors import LegacyError
from tokenry_core.legacy import read_legacy


def npy_bytes(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed], ids=["plain", "compressed"])
def test_npz_gives_its_members_by_name(tmp_path, same, write):
    arrays = {"ints": np.arange(5), "grid": np.asfortranarray(np.ones((2, 3), "f4"))}
    write(tmp_path / "a.npz", **arrays)
    assert same(read_legacy(tmp_path / "a.npz"), arrays)


def test_npz_gives_pickled_dicts_of_arrays(tmp_path, same):
    edges = {"mag_r": np.linspace(0, 1, 5), "parallax": np.linspace(-1, 1, 3)}
    np.savez(tmp_path / "a.npz", bin_edges=edges, names=np.array(["a", "b"], dtype=object))
    found = read_legacy(tmp_path / "a.npz")
    assert same(found["bin_edges"], edges)
    assert found["names"].tolist() == ["a", "b"]


@pytest.mark.parametrize(
    "value",
    [1024, 1.5, "mag_r", True, np.float32(2), {"a": 1}, [1, "x"], None],
    ids=lambda value: type(value).__name__,
)
def test_scalars_wrapped_in_object_arrays_are_unwrapped(tmp_path, same, value):
    wrapped = np.empty((), dtype=object)
    wrapped[()] = value
    np.savez(tmp_path / "a.npz", x=wrapped)
    assert same(read_legacy(tmp_path / "a.npz")["x"], value)


def test_arrays_without_dimensions_become_scalars_of_their_dtype(tmp_path):
    np.savez(tmp_path / "a.npz", n=1024, name="mag_r", when=np.datetime64("2020-01-01", "ns"))
    found = read_legacy(tmp_path / "a.npz")
    assert (found["n"], found["name"]) == (1024, "mag_r")
    assert found["when"] == np.datetime64("2020-01-01", "ns")
    assert not any(isinstance(value, np.ndarray) for value in found.values())


def test_npy_gives_one_value(tmp_path, same):
    np.save(tmp_path / "a.npy", np.arange(3))
    assert same(read_legacy(tmp_path / "a.npy"), {"value": np.arange(3)})


def test_npy_of_a_dict_gives_its_entries(tmp_path):
    np.save(tmp_path / "a.npy", {"n_bins": 4, "names": ["a"]})
    assert read_legacy(tmp_path / "a.npy") == {"n_bins": 4, "names": ["a"]}


def test_pickled_dict_of_text_keys_gives_its_entries(save):
    assert read_legacy(save(pickle.dumps({"a": 1}))) == {"a": 1}


@pytest.mark.parametrize("value", [{1: "a"}, [1, 2], "text", None], ids=repr)
def test_other_pickled_values_come_under_one_key(save, value):
    assert read_legacy(save(pickle.dumps(value))) == {"value": value}


def test_the_content_decides_and_not_the_suffix(tmp_path):
    joblib.dump({"a": np.arange(2)}, tmp_path / "model.pkl", compress=3)
    assert read_legacy(tmp_path / "model.pkl")["a"].tolist() == [0, 1]


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)], ids=str)
def test_every_version_of_npy_is_read(tmp_path, version, same):
    array = np.array([(1, 2.0)], dtype=[("n", "<i4"), ("x", "<f8")])
    with open(tmp_path / "a.npy", "wb") as file:
        np.lib.format.write_array(file, array, version=version)
    assert same(read_legacy(tmp_path / "a.npy")["value"], array)


def test_sizes_as_python_2_wrote_them_are_read(save):
    data = npy_bytes(np.arange(3, dtype="i4")).replace(b"(3,), }", b"(3L,),}")
    assert read_legacy(save(data))["value"].tolist() == [0, 1, 2]


def test_files_of_numpy_1_hold_what_they_held(fixture_path):
    found = read_legacy(fixture_path("numpy1_scalar.npz"))
    assert found["bin_edges"]["parallax"].tolist() == [0, 0.5, 1, 1.5, 2]
    assert found["col_means"] == {"mag_r": 0.0, "parallax": 1.0}
    assert found["col_dtypes"] == {"mag_r": np.dtype("f4"), "parallax": np.dtype("f4")}
    assert (found["N_BINS"], found["mag_filter_col"]) == (1024, "mag_r")
    assert found["apply_row_filter"]


@pytest.mark.filterwarnings("ignore:numpy.core:DeprecationWarning")  # of the oracle
@pytest.mark.parametrize("protocol", range(6))
def test_every_protocol_of_numpy_1_is_read_as_pickle_reads_it(fixture_path, same, protocol):
    path = fixture_path(f"numpy1_protocol{protocol}.pkl")
    assert same(read_legacy(path), pickle.loads(path.read_bytes()))


def test_read_arrays_can_be_written_to(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.arange(3), y={"z": np.arange(3)})
    found = read_legacy(tmp_path / "a.npz")
    found["x"][0] = found["y"]["z"][0] = 7
    assert found["x"].tolist() == found["y"]["z"].tolist() == [7, 1, 2]


def test_missing_file_is_named(tmp_path):
    with pytest.raises(LegacyError, match="cannot be read: No such file"):
        read_legacy(tmp_path / "none.npz")


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00", b"hello, world", b"\x80\x04", b"PK\x03\x04rest", b"\x93NUMPY", b"\x89HDF\r\n"],
    ids=repr,
)
def test_other_files_are_refused_by_name(save, data):
    with pytest.raises(LegacyError, match=r"odd\.bin: "):
        read_legacy(save(data, "odd.bin"))


def test_errors_name_the_file_and_the_member(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("good.npy", npy_bytes(np.arange(2)))
        archive.writestr("bad.npy", b"\x93NUMPY\x09\x00junk")
    with pytest.raises(LegacyError, match=r'a\.npz: member "bad": it is a \.npy of version'):
        read_legacy(tmp_path / "a.npz")


def test_cut_files_are_refused(save):
    data = npy_bytes(np.arange(100))
    with pytest.raises(LegacyError, match="800 in all, but holds 790"):
        read_legacy(save(data[:-10], "cut.npy"))


def test_several_pickles_in_one_file_are_refused(save):
    with pytest.raises(LegacyError, match="it may be several in one file"):
        read_legacy(save(pickle.dumps(1) + pickle.dumps(2)))


def test_several_arrays_in_one_file_are_refused(save):
    with pytest.raises(LegacyError, match="bytes for an array"):
        read_legacy(save(npy_bytes(np.arange(2)) * 2))


@pytest.mark.parametrize("prefix", ["", "archive/"], ids=["old", "new"])
def test_torch_checkpoints_are_pointed_to_torch(tmp_path, prefix):
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        archive.writestr(f"{prefix}data.pkl", pickle.dumps(1))
    with pytest.raises(LegacyError, match=r"torch\.load\(path, weights_only=True\)"):
        read_legacy(tmp_path / "a.pt")


def test_torch_files_from_before_zip_are_pointed_to_torch(save):
    import torch

    stream = io.BytesIO()
    torch.save({"a": torch.zeros(2)}, stream, _use_new_zipfile_serialization=False)
    with pytest.raises(LegacyError, match=r"torch\.load\(path, weights_only=True\)"):
        read_legacy(save(stream.getvalue()))


def test_other_zip_files_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("notes.txt", "hello")
    with pytest.raises(LegacyError, match=r"notes\.txt"):
        read_legacy(tmp_path / "a.npz")


def test_object_array_must_be_what_its_header_declares(save):
    data = npy_bytes(np.array([1, "x"], dtype=object))
    header, body = data[:128], pickle.dumps(np.array([1, 2, 3], dtype=object))
    with pytest.raises(LegacyError, match=r"shape \(2,\), but holds \(3,\)"):
        read_legacy(save(header + body))
    with pytest.raises(LegacyError, match="holds a dict"):
        read_legacy(save(header + pickle.dumps({})))


def test_files_above_the_cap_are_refused_and_the_cap_can_be_raised(save):
    path = save(npy_bytes(np.zeros(10_000)))
    with pytest.raises(LegacyError, match="pass a larger max_bytes"):
        read_legacy(path, max_bytes=100_000)
    assert read_legacy(path, max_bytes=200_000)["value"].shape == (10_000,)
