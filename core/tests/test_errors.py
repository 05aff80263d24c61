from __future__ import annotations

import inspect
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenry_core import errors
from tokenry_core.errors import BadRows, TokenryError, nearest

FAMILY = {
    name: kind
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and issubclass(kind, TokenryError)
}
RESEMBLED = {
    "AmbiguousName": LookupError,
    "ArtifactError": ValueError,
    "BadRows": ValueError,
    "BrokenPlugin": ImportError,
    "ConfigError": ValueError,
    "DataError": ValueError,
    "IncompatiblePlugin": TypeError,
    "LegacyError": ValueError,
    "MissingColumn": LookupError,
    "NotTrained": RuntimeError,
    "ShapeError": ValueError,
    "UnknownName": LookupError,
}


def make(name: str) -> TokenryError:
    return BadRows({3: "why"}) if name == "BadRows" else FAMILY[name]("why, and what to do")


def test_every_error_and_function_is_public():
    functions = {name for name, value in vars(errors).items() if inspect.isfunction(value)}
    assert set(errors.__all__) == {*FAMILY, *functions}


def test_every_error_of_the_family_is_tried_here():
    assert set(RESEMBLED) == set(FAMILY) - {"TokenryError"}


@pytest.mark.parametrize("name", RESEMBLED)
def test_error_is_the_builtin_error_that_it_resembles(name):
    with pytest.raises(RESEMBLED[name]):
        raise make(name)


@pytest.mark.parametrize("name", RESEMBLED)
def test_one_except_catches_the_whole_family(name):
    with pytest.raises(TokenryError):
        raise make(name)


def test_missing_columns_and_bad_rows_are_data_errors():
    assert issubclass(errors.MissingColumn, errors.DataError)
    assert issubclass(errors.BadRows, errors.DataError)


@pytest.mark.parametrize("name", FAMILY)
def test_message_is_shown_as_it_was_written(name):
    """A LookupError from the standard library may show the repr of its message, quotes and all."""
    if name == "BadRows":
        assert str(make(name)).endswith("row 3: why")
    else:
        assert str(FAMILY[name]('no column "a"\nhas 2')) == 'no column "a"\nhas 2'


@pytest.mark.parametrize("name", sorted(set(FAMILY) - {"BadRows"}))
def test_error_without_a_message_is_empty(name):
    assert str(FAMILY[name]()) == ""


@pytest.mark.parametrize("name", FAMILY)
def test_error_crosses_processes(name):
    error = pickle.loads(pickle.dumps(make(name)))
    assert type(error) is FAMILY[name]
    assert str(error) == str(make(name))


def test_bad_rows_cross_processes_with_their_reasons():
    assert pickle.loads(pickle.dumps(BadRows({3: "a", 5: "b"}))).rows == {3: "a", 5: "b"}


def test_bad_rows_keep_their_own_copy_of_the_reasons():
    reasons = {3: "a"}
    error = BadRows(reasons)
    reasons[4] = "b"
    assert error.rows == {3: "a"}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({7: "a"}, "1 row cannot be encoded: row 7: a"),
        ({7: "a", 2: "b"}, "2 rows cannot be encoded: row 7: a; row 2: b"),
        (
            {1: "a", 2: "b", 3: "c"},
            "3 rows cannot be encoded: row 1: a; row 2: b; row 3: c",
        ),
        (
            {1: "a", 2: "b", 3: "c", 4: "d", 5: "e"},
            "5 rows cannot be encoded: row 1: a; row 2: b; row 3: c; and 2 more",
        ),
    ],
    ids=["one", "two", "three", "five"],
)
def test_bad_rows_name_the_first_three_and_count_the_rest(rows, message):
    assert str(BadRows(rows)) == message


@given(st.dictionaries(st.integers(0), st.text(), min_size=4, max_size=30))
def test_bad_rows_always_say_how_many(rows):
    assert str(BadRows(rows)).startswith(f"{len(rows)} rows ")
    assert str(BadRows(rows)).endswith(f"and {len(rows) - 3} more")


@pytest.mark.parametrize(
    ("word", "known", "sentence"),
    [
        ("nbins", ["n_bins", "missing"], ' Did you mean "n_bins"?'),
        ("scaler", ["spectrum", "scalar"], ' Did you mean "scalar"?'),
        ("zzz", ["n_bins"], ""),
        ("n_bins", [], ""),
        (5, ["n_bins"], ""),
        (None, ["None_"], ' Did you mean "None_"?'),
    ],
    ids=["letter", "vowel", "far", "nothing-known", "number", "none"],
)
def test_nearest_names_the_closest_word_or_nothing(word, known, sentence):
    assert nearest(word, known) == sentence


def test_nearest_takes_an_iterator():
    assert nearest("scaler", iter(["scalar"])) == ' Did you mean "scalar"?'


@given(st.text(min_size=1), st.lists(st.text(), max_size=5))
def test_nearest_finds_the_word_itself(word, others):
    assert nearest(word, [*others, word]) == f' Did you mean "{word}"?'
