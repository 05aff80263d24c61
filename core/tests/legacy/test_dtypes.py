from __future__ import annotations

import pickle

import numpy as np
import pytest

from tokenry_core.errors import LegacyError
from tokenry_core.legacy import read_legacy

DTYPES = [
    "?", "i1", ">u2", "<f8", "f2", "g", "c8", "S", "S5", "U", ">U3", "V7", "O", "M8", "m8",
    "M8[ns]", "M8[25us]", ">m8[D]", [("a", "f4"), ("b", "U3")], [("a", "f4", (2, 3))],
    [("a", [("b", ">i2"), ("c", "M8[s]")])], ("f4", (2,)), [(("title", "a"), "f4")],
    {"names": ["a", "b"], "formats": ["i4", "f8"], "offsets": [4, 16], "itemsize": 32},
]  # fmt: skip


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("described", DTYPES, ids=str)
def test_pickled_dtype_is_read_as_it_was(save, described, protocol):
    dtype = np.dtype(described)
    found = read_legacy(save(pickle.dumps(dtype, protocol)))["value"]
    assert isinstance(found, np.dtype)
    assert found == dtype
    assert found.fields == dtype.fields


def test_aligned_dtype_keeps_its_offsets(save):
    dtype = np.dtype([("a", "i1"), ("b", "f8")], align=True)
    found = read_legacy(save(pickle.dumps(dtype)))["value"]
    assert (found.fields, found.itemsize) == (dtype.fields, dtype.itemsize)


def dtype_pickle(code: bytes, state: bytes) -> bytes:
    return b"cnumpy\ndtype\n(S'" + code + b"'\nI00\nI01\ntR(" + state + b"tb."


NONE = b"NNN"
ENDING = b"I-1\nI-1\nI0\n"


@pytest.mark.parametrize(
    ("code", "state", "why"),
    [
        (b"f8", b"I3\n", "not described as NumPy describes one"),
        (b"V8", b"I3\nS'|'\nN(S'a'\nt}I8\nI1\nI16\n", "no dtype or no offset"),
        (b"V8", b"I3\nS'|'\nN((S'a'\ntt}I8\nI1\nI16\n", "no dtype or no offset"),
        (b"V8", b"I3\nS'|'\nN]}I8\nI1\nI16\n", "whose fields are not"),
        (b"V8", b"I3\nS'|'\n]NNI8\nI1\nI16\n", "of subarrays"),
        (b"M8", b"I4\nS'<'\n" + NONE + ENDING + b"N", "date dtype without a unit"),
        (b"M8", b"I4\nS'<'\n" + NONE + ENDING + b"(N(]I1\nI1\nI1\ntt", "of an unknown unit"),
        (
            b"M8",
            b"I4\nS'<'\n" + NONE + ENDING + b"(N(S'ns'\nI-1\nI1\nI1\ntt",
            r"dtype 'M8\[-1ns\]'",
        ),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_badly_described_dtypes_are_refused(save, code, state, why):
    with pytest.raises(LegacyError, match=why):
        read_legacy(save(dtype_pickle(code, state)))


def nested(depth: int, width: int) -> bytes:
    """Describe a dtype whose fields, all at one place, are all the same dtype, and so on."""
    data = b"cnumpy\ndtype\np0\n0g0\n(S'i1'\nI00\nI01\ntR(I3\nS'|'\n" + NONE + ENDING + b"tbp1\n0"
    names = [b"S'f%d'\n" % number for number in range(width)]
    for _ in range(depth):
        fields = b"".join(name + b"(g1\nI0\nt" for name in names)
        described = b"(" + b"".join(names) + b"t(" + fields + b"d"
        data += b"g0\n(S'V1'\nI00\nI01\ntR(I3\nS'|'\nN" + described + b"I1\nI1\nI0\ntbp1\n0"
    return data + b"g1\n."


def test_nested_dtype_within_bounds_is_read(save):
    assert read_legacy(save(nested(3, 3)))["value"].itemsize == 1


@pytest.mark.parametrize(("depth", "width"), [(40, 2), (40, 1), (1, 1001)], ids=str)
def test_dtypes_of_many_parts_are_refused(save, depth, width):
    with pytest.raises(LegacyError, match="more than 1,000 fields, or nested deeply"):
        read_legacy(save(nested(depth, width)))


def test_copies_of_a_large_dtype_count_against_the_cap(save):
    one = nested(1, 900)[:-1]
    call, described = one.split(b"g0\n(S'V1'", 1)
    data = call + b"(" + (b"g0\n(S'V1'" + described[: -len(b"p1\n0g1\n")]) * 20 + b"t."
    with pytest.raises(LegacyError, match="bytes of memory"):
        read_legacy(save(data), max_bytes=5_000_000)
