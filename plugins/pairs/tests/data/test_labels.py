"""What a labelled table may hold: names that can be told apart."""

import numpy as np
import pandas as pd
import pytest

from tokenry_core.errors import DataError, MissingColumn
from tokenry_pairs.data import group_rows, split_by_identity


def table(labels):
    return pd.DataFrame({"x": [f"{row}.jpg" for row in range(len(labels))], "y": labels})


def test_labels_of_any_kind_that_read_differently_are_told_apart():
    groups = group_rows(table([7, "rex", 7, ("a", 1), np.int64(7)]))
    assert groups == {7: [0, 2, 4], "rex": [1], ("a", 1): [3]}


@pytest.mark.parametrize("labels", [[1, "1", "b", 2], ["None", ("a",), "('a',)"]])
def test_labels_that_read_the_same_are_refused(labels):
    with pytest.raises(DataError, match="read the same; write them alike"):
        group_rows(table(labels))


@pytest.mark.parametrize("label", [["rex"], np.array([1, 2]), {"a": 1}])
@pytest.mark.parametrize("use", [group_rows, split_by_identity])
def test_a_label_that_is_no_name_is_refused_by_its_row(label, use):
    with pytest.raises(DataError, match='column "y" has .* in row 1; a label is'):
        use(table(["rex", label, "ada"]))


@pytest.mark.parametrize("empty", [None, float("nan"), pd.NA, pd.NaT])
def test_empty_labels_are_counted_and_named_by_their_rows(empty):
    with pytest.raises(DataError, match=r'"y" is empty in 2 of 3 rows \(0, 2\); leave'):
        group_rows(table([empty, "rex", empty]))


def test_the_table_is_called_what_the_caller_calls_it():
    with pytest.raises(MissingColumn, match="val_df"):
        group_rows(pd.DataFrame({"z": [1]}), name="val_df")
