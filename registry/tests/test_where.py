import datetime as dt

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenry.config import Where
from tokenry_core.errors import ConfigError, DataError, MissingColumn

ROWS = pa.record_batch(
    {
        "n": pa.array([1, 2, 3, 4, None]),
        "x": pa.array([0.5, float("nan"), float("inf"), -1.0, None]),
        "kind": pa.array(["STAR", "QSO", "GALAXY", "STAR", None]),
        "class": pa.array(["a", "b", "a", "b", None]),
        "seen": pa.array([dt.datetime(2020, 1, day) for day in (1, 2, 3, 4)] + [None]),
        "ok": pa.array([True, False, True, False, None]),
    }
)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("n < 3", [1, 2]),
        ("1 < n <= 3", [2, 3]),
        ("not n < 3", [3, 4]),
        ("n == 1 or n == 4", [1, 4]),
        ("n / 2 > 1", [3, 4]),
        ("n * 2 - 1 >= 5", [3, 4]),
        ("-n < -3", [4]),
        ("abs(x) > 0.7", [3, 4]),
        ("is_finite(x)", [1, 4]),
        ("x < 1", [1, 4]),
        ('kind in ["STAR", "QSO"]', [1, 2, 4]),
        ('kind not in ["STAR", "QSO"] and not is_null(kind)', [3]),
        ('kind == "STAR" and x > 0', [1]),
        ("kind is not None", [1, 2, 3, 4]),
        ("is_null(kind)", [None]),
        ("None == kind", [None]),
        ('col("class") == "b"', [2, 4]),
        ('seen >= date("2020-01-03")', [3, 4]),
        ("ok", [1, 3]),
        ("not ok", [2, 4]),
        ("  n > 3  ", [4]),
    ],
)
def test_condition_keeps_rows(text, kept):
    assert Where(text)(ROWS).column("n").to_pylist() == kept


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no condition"),
        ("n <", "is no condition: invalid syntax"),
        ('class == "a"', r'written col\("class"\)'),
        ("1 < 2", "compares no column|no condition on a column"),
        ("n", None),
        ("__import__('os').system('x')", "is not understood; allowed are columns"),
        ("n.real > 1", "is not understood"),
        ("n[0] > 1", "is not understood"),
        ("lambda: n", "is not understood"),
        ("n if n else n", "is not understood"),
        ("(n := 3) > 1", "is not understood"),
        ("None is None", "has no meaning|compares no column"),
        ("n > 1 / 0", "has no meaning"),
        ('date("soon") < seen', "has no meaning"),
        ("f(n) > 1", "is not understood"),
        ("ok is True", '"is" is for None alone'),
        ("n < None", "None has no order"),
        ("(" * 300 + "n" + ")" * 300, "is no condition"),
    ],
)
def test_what_is_no_condition_is_refused(text, message):
    if message is None:  # a column alone is one when it is true or false
        with pytest.raises(DataError, match="does not fit the data"):
            Where(text)(ROWS)
        return
    with pytest.raises(ConfigError, match=message):
        Where(text)


@given(st.text(max_size=40))
def test_any_text_is_a_condition_or_a_clear_error(text):
    try:
        Where(text, "source.where")
    except ConfigError as error:
        message = str(error)
    else:
        return
    assert message.startswith("source.where: ")


def test_missing_column_and_wrong_type_are_named():
    with pytest.raises(MissingColumn, match='"m" is missing'):
        Where("m < 1")(ROWS)
    with pytest.raises(DataError, match='where: "kind < 1" does not fit the data'):
        Where("kind < 1")(ROWS)
