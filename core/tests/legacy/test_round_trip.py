"""Random plain data is read exactly as pickle, NumPy and joblib, which trust it, read it."""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict, defaultdict

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tokenry_core.legacy import read_legacy

pytestmark = pytest.mark.filterwarnings("ignore:Stored array in format")

DTYPES = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="?"),
    hnp.unsigned_integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?"),
    hnp.complex_number_dtypes(endianness="?"),
    hnp.datetime64_dtypes(),
    hnp.timedelta64_dtypes(),
    hnp.byte_string_dtypes(),
    hnp.unicode_string_dtypes(),
)
ARRAYS = hnp.arrays(
    DTYPES | hnp.array_dtypes(DTYPES),
    hnp.array_shapes(min_dims=0, min_side=0, max_dims=3, max_side=4),
).map(lambda a: np.asfortranarray(a) if a.size % 2 else a)
SCALARS = DTYPES.flatmap(hnp.from_dtype)
KEYS = st.one_of(
    st.text(), st.integers(), st.booleans(), st.none(), st.binary(), st.floats(allow_nan=False)
)
HASHABLE = st.recursive(KEYS, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=5)
LEAVES = st.one_of(
    HASHABLE,
    st.complex_numbers(),
    st.binary().map(bytearray),
    ARRAYS,
    SCALARS,
    ARRAYS.map(lambda a: a.dtype),
)


def object_array(values: list[object]) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        array[place] = value
    return array


def containers(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    several = st.lists(inner, max_size=4)
    named = st.dictionaries(KEYS, inner, max_size=4)
    return st.one_of(
        several,
        several.map(tuple),
        several.map(object_array),
        named,
        named.map(OrderedDict),
        named.map(lambda entries: defaultdict(list, entries)),
        st.sets(HASHABLE, max_size=4),
        st.frozensets(HASHABLE, max_size=4),
    )


PLAIN = st.recursive(LEAVES, containers, max_leaves=12)


@settings(max_examples=200, deadline=None)
@given(PLAIN, st.integers(0, 5))
def test_pickles_are_read_as_pickle_reads_them(save, same, value, protocol):
    data = pickle.dumps([value], protocol)
    assert same(read_legacy(save(data))["value"], pickle.loads(data))


@settings(max_examples=60, deadline=None)
@given(PLAIN)
def test_npz_members_are_read_as_numpy_reads_them(legacy_folder, same, value):
    path = legacy_folder / "trip.npz"
    wrapped = np.empty((), dtype=object)
    wrapped[()] = value
    np.savez(path, x=wrapped, y=object_array([value]))
    with np.load(path, allow_pickle=True) as members:
        assert same(read_legacy(path), {"x": members["x"][()], "y": members["y"]})


@settings(max_examples=100, deadline=None)
@given(ARRAYS)
def test_npy_files_are_read_as_numpy_reads_them(save, same, array):
    stream = io.BytesIO()
    np.save(stream, array)
    expected = np.load(io.BytesIO(stream.getvalue()))
    if expected.ndim == 0:
        expected = expected[()]
    assert same(read_legacy(save(stream.getvalue()))["value"], expected)


@settings(max_examples=100, deadline=None)
@given(PLAIN, st.sampled_from([0, ("zlib", 1), ("bz2", 1)]), st.integers(2, 5))
def test_joblib_files_are_read_as_joblib_reads_them(legacy_folder, same, value, compress, protocol):
    path = legacy_folder / "trip.joblib"
    joblib.dump([value], path, compress=compress, protocol=protocol)
    assert same(read_legacy(path)["value"], joblib.load(path))
