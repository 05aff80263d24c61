"""Specs say what tokens look like, and refuse what cannot be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenry_core import Field, FieldSpec, Spec, token_dtype
from tokenry_core.errors import ConfigError


@given(st.integers(1, 2**32 - 1))
def test_token_dtype_holds_every_id_and_the_missing_one(codes):
    assert codes <= np.iinfo(token_dtype(codes)).max


@pytest.mark.parametrize(
    ("codes", "dtype"), [(65_535, "uint16"), (65_536, "uint32"), (2**32 - 1, "uint32")]
)
def test_token_dtype_is_the_smallest(codes, dtype):
    assert token_dtype(codes) == dtype


def test_more_codes_than_a_dtype_holds_are_refused():
    with pytest.raises(ConfigError, match="at most 4294967295 are possible"):
        token_dtype(2**32)


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"kind": "discrete", "dtype": "int32", "codes": 3}, "unsigned dtype"),
        ({"kind": "discrete", "dtype": "uint16"}, "at least one code"),
        ({"kind": "discrete", "dtype": "uint8", "codes": 256}, "uint8 cannot hold .* use uint16"),
        ({"kind": "dense", "dtype": "str"}, "no numeric dtype"),
        ({"kind": "dense", "dtype": "float33"}, "'float33' is no dtype"),
        ({"kind": "other", "dtype": "float32"}, "'other' is no kind"),
        ({"kind": "dense", "dtype": "float32", "event": (3, 0)}, "positive sizes"),
        ({"kind": "dense", "dtype": "float32", "event": (-1,)}, "positive sizes"),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_impossible_field_is_refused_by_name(given_, message):
    with pytest.raises(ConfigError, match=f'field "colour".*{message}'):
        FieldSpec("colour", **given_)


@pytest.mark.parametrize(
    "names",
    [
        [("a", False), ("a", False)],
        [("a", True), ("a_flat", False)],
        [("a_indptr", False), ("a", True)],
        [("ids", False)],
        [("id_col", True)],
    ],
)
def test_fields_that_share_a_key_are_refused(names):
    fields = tuple(FieldSpec.tokens(name, codes=3, ragged=ragged) for name, ragged in names)
    with pytest.raises(ConfigError, match="is taken already"):
        Spec(fields)


def test_spec_gives_fields_by_name():
    colour = FieldSpec.tokens("colour", codes=8)
    spec = Spec((FieldSpec.tokens("size", codes=3), colour))
    assert spec["colour"] is colour
    with pytest.raises(KeyError):
        spec["no"]


def test_equal_specs_hash_alike():
    one, other = (Spec((FieldSpec.tokens("a", codes=8, event=(2,)),)) for _ in range(2))
    assert len({one, other}) == 1


@pytest.mark.parametrize(
    ("event", "size"), [((), 1), ((3,), 3), ((2, 5), 10)], ids=["value", "row", "table"]
)
def test_size_counts_the_values_of_a_row(event, size):
    assert FieldSpec.tokens("a", codes=8, event=event).size == size


def test_ragged_fields_count_their_rows_by_indptr():
    assert Field(np.zeros(5), np.array([0, 2, 2, 5])).rows == 3
    assert Field(np.zeros((5, 2))).rows == 5
