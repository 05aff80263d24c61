from __future__ import annotations

import bz2
import gzip
import lzma
import zlib

import joblib
import numpy as np
import pytest
from sklearn.cluster import KMeans

from tokenry_core.errors import LegacyError
from tokenry_core.legacy import Record, read_legacy

COMPRESSIONS = [0, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("lzma", 3), ("xz", 3)]
NAMES = ["none", "zlib", "gzip", "bz2", "lzma", "xz"]


def kmeans() -> KMeans:
    points = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    return KMeans(5, n_init=1, random_state=0).fit(points)


@pytest.mark.parametrize("compress", COMPRESSIONS, ids=NAMES)
@pytest.mark.parametrize("protocol", range(6))
def test_kmeans_is_a_record_with_its_centres(tmp_path, same, compress, protocol):
    model = kmeans()
    joblib.dump(model, tmp_path / "k.joblib", compress=compress, protocol=protocol)
    record = read_legacy(tmp_path / "k.joblib")["value"]
    assert isinstance(record, Record)
    assert record.name == "sklearn.cluster._kmeans.KMeans"
    assert same(record.state["cluster_centers_"], model.cluster_centers_)
    assert same(record.state["labels_"], model.labels_)


@pytest.mark.parametrize("name", ["joblib11_kmeans.joblib", "joblib11_zlib.joblib"])
def test_kmeans_of_old_joblib_and_scikit_learn_is_read(fixture_path, name):
    found = read_legacy(fixture_path(name))
    record = found.get("value", found.get("kmeans"))
    assert record.state["cluster_centers_"].tolist() == [[0, 0.5], [10, 10.5]]


@pytest.mark.parametrize("compress", COMPRESSIONS, ids=NAMES)
def test_arrays_in_containers_are_as_joblib_reads_them(tmp_path, same, compress):
    rng = np.random.default_rng(1)
    value = {
        "codebooks": {"desi_b": rng.normal(size=(7, 2)), "ztf_g": rng.normal(size=(3, 2))},
        "fortran": np.asfortranarray(rng.normal(size=(4, 5)).astype("f4")),
        "names": np.array(["a", {"b": np.arange(3)}, None], dtype=object),
        "rows": np.array([(1, "x")], dtype=[("n", "i4"), ("s", "U2")]),
        "scalar": np.array(3.5),
        "empty": np.empty((0, 3)),
        "list": [np.arange(3), "between", np.arange(4)],
    }
    joblib.dump(value, tmp_path / "a.joblib", compress=compress)
    found = read_legacy(tmp_path / "a.joblib")
    assert same(found, joblib.load(tmp_path / "a.joblib"))


def test_array_larger_than_one_piece_of_decompression(tmp_path, same):
    array = np.random.default_rng(2).normal(size=1_000_000)
    array[:900_000] = 0
    joblib.dump(array, tmp_path / "a.joblib", compress=1)
    assert same(read_legacy(tmp_path / "a.joblib")["value"], array)


def test_old_scikit_learn_named_its_own_copy_of_joblib(tmp_path, save):
    joblib.dump(np.arange(3), tmp_path / "a.joblib", protocol=2)
    data = (tmp_path / "a.joblib").read_bytes()
    data = data.replace(b"cjoblib.", b"csklearn.externals.joblib.")
    assert read_legacy(save(data))["value"].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "compress",
    [zlib.compress, gzip.compress, bz2.compress, lzma.compress],
    ids=["zlib", "gzip", "bz2", "xz"],
)
def test_compression_bomb_stops_at_the_cap(save, compress):
    bomb = compress(b"\x80\x04]" + b"0" * 50_000_000)
    assert len(bomb) < 100_000
    with pytest.raises(LegacyError, match="more than 1,000,000 bytes"):
        read_legacy(save(bomb), max_bytes=1_000_000)


@pytest.mark.parametrize("compress", COMPRESSIONS, ids=NAMES)
def test_cut_file_is_refused(tmp_path, save, compress):
    joblib.dump(np.random.default_rng(0).normal(size=100), tmp_path / "a.joblib", compress=compress)
    data = (tmp_path / "a.joblib").read_bytes()
    for length in (len(data) // 2, len(data) - 1):
        with pytest.raises(LegacyError):
            read_legacy(save(data[:length]))


@pytest.mark.parametrize("compress", COMPRESSIONS[1:], ids=NAMES[1:])
def test_bytes_behind_a_compressed_file_are_refused(tmp_path, save, compress):
    joblib.dump([1, 2], tmp_path / "a.joblib", compress=compress)
    with pytest.raises(LegacyError, match="follow its"):
        read_legacy(save((tmp_path / "a.joblib").read_bytes() + b"more"))


@pytest.mark.parametrize(
    ("magic", "why"),
    [(b"ZF0x10", "before 0.10"), (b"\x04\x22\x4d\x18rest", "lz4")],
    ids=["old", "lz4"],
)
def test_unreadable_compressions_say_what_to_do(save, magic, why):
    with pytest.raises(LegacyError, match=rf"{why}.*dump it again with compress=0"):
        read_legacy(save(magic))
