import shutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenry_core.errors import ConfigError, DataError
from tokenry_pairs.data import check_leakage, split_by_identity


def table(labels):
    return pd.DataFrame({"x": [f"{i}.jpg" for i in range(len(labels))], "y": labels})


@given(
    st.lists(st.sampled_from("abcdefgh"), min_size=8).filter(lambda ls: len(set(ls)) > 1),
    st.floats(0.01, 0.99),
    st.integers(0, 9),
)
def test_no_individual_is_on_both_sides_and_no_row_is_lost(labels, share, seed):
    df = table(labels)
    train, held = split_by_identity(df, share, seed)
    assert not set(train["y"]) & set(held["y"])
    assert sorted([*train["x"], *held["x"]]) == sorted(df["x"])
    least = 2 if len(set(labels)) >= 4 else 1
    assert min(train["y"].nunique(), held["y"].nunique()) >= least


def test_the_order_of_rows_does_not_matter_and_the_seed_does():
    df = table(list("abcdefghijkl"))
    held = set(split_by_identity(df, 0.5)[1]["y"])
    assert set(split_by_identity(df.iloc[::-1], 0.5)[1]["y"]) == held
    assert set(split_by_identity(df, 0.5, seed=1)[1]["y"]) != held
    assert len(held) == 6


def test_a_split_that_cannot_be_is_refused():
    with pytest.raises(DataError, match="at least two"):
        split_by_identity(table(["a", "a"]))
    with pytest.raises(ConfigError, match=r"share: 1\.0"):
        split_by_identity(table(["a", "b"]), 1.0)


def test_clean_splits_pass(photos):
    df = photos({"rex": 3, "ada": 3})
    check_leakage(df[df.y == "rex"], df[df.y == "ada"])


def test_a_file_on_both_sides_is_named_however_its_path_is_written(photos, tmp_path, monkeypatch):
    df = photos({"rex": 3, "ada": 3})
    train, held = df[:3], df[2:].copy()
    with pytest.raises(DataError, match=r"1 image is both.*rex/2\.png; leave"):
        check_leakage(train, held)
    monkeypatch.chdir(tmp_path)
    held["x"] = ["photos/rex/../rex/2.png", *held["x"][1:]]
    with pytest.raises(DataError, match=r"rex/2\.png = photos/rex/\.\./rex/2\.png"):
        check_leakage(train, held)


def test_a_copy_of_a_file_is_named_with_its_original(photos, tmp_path):
    df = photos({"rex": 3, "ada": 3})
    shutil.copy(df["x"][1], tmp_path / "copy.png")
    held = pd.DataFrame({"x": [df["x"][4], tmp_path / "copy.png"], "y": ["ada", "bo"]})
    with pytest.raises(DataError, match=r"rex/1\.png = .*copy\.png"):
        check_leakage(df[:3], held)


def test_one_path_is_one_image_whether_or_not_it_is_there():
    with pytest.raises(DataError, match=r"0\.jpg = here/\.\./0\.jpg"):
        check_leakage(table(["a"]), table(["b"]).assign(x=["here/../0.jpg"]))


def test_files_that_are_not_there_are_left_to_reading():
    check_leakage(table(["a"]), table(["b"]).assign(x=["other.jpg"]))


def test_images_in_memory_are_compared_by_their_values():
    one, two = np.zeros((2, 2, 3), np.uint8), np.ones((2, 2, 3), np.uint8)
    train = pd.DataFrame({"x": [one, two], "y": [1, 2]})
    check_leakage(train, pd.DataFrame({"x": [one + 2], "y": [3]}))
    with pytest.raises(DataError, match="the image of row 1 = the image of row 0"):
        check_leakage(train, pd.DataFrame({"x": [two.copy()], "y": [3]}))
