from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenry_core.errors import ConfigError, DataError, MissingColumn
from tokenry_pairs.data import (
    PairRule,
    create_pair_dataset_from_labeled_df,
    group_rows,
    sample_negative_pair,
    sample_pair,
    sample_positive_pair,
)

COUNTS = st.lists(st.integers(1, 7), min_size=2, max_size=5).filter(lambda c: max(c) > 1)
SIZES = st.integers(1, 5) | st.tuples(st.integers(1, 3), st.integers(3, 5))


def table(counts):
    rows = [(f"{n}/{i}.jpg", f"dog{n}") for n, count in enumerate(counts) for i in range(count)]
    return pd.DataFrame(rows, columns=["x", "y"])


@settings(deadline=None)
@given(COUNTS, SIZES, st.integers(0, 5), st.integers(0, 50), st.floats(0, 1))
def test_a_pair_is_what_its_label_says(counts, size, epoch, index, ratio):
    df = table(counts)
    rule = PairRule.of(group_rows(df), size, ratio)
    pair = sample_pair(3, epoch, index, rule)
    low, high = (size, size) if isinstance(size, int) else size
    (of_a,), (of_b,) = (set(df["y"].iloc[rows]) for rows in pair[:2])
    assert (of_a == of_b) == bool(pair.label)
    assert not set(pair.a) & set(pair.b)
    assert low <= len(pair.a) <= high
    assert low <= len(pair.b) <= high


@settings(deadline=None)
@given(COUNTS, SIZES, st.integers(0, 30))
def test_no_image_is_repeated_while_there_are_enough(counts, size, index):
    df = table(counts)
    pair = sample_pair(0, 0, index, PairRule.of(group_rows(df), size))
    for rows in pair[:2]:
        there = sum(df["y"] == df["y"].iloc[rows[0]]) // (2 if pair.label else 1)
        assert len(set(rows)) >= min(len(rows), max(1, there))


@settings(deadline=None)
@given(COUNTS, st.integers(0, 5), st.integers(0, 5), st.integers(0, 30))
def test_a_pair_depends_on_seed_epoch_and_index_alone(counts, seed, epoch, index):
    rule = PairRule.of(group_rows(table(counts)), (1, 4))
    first = sample_pair(seed, epoch, index, rule)
    sample_pair(seed, epoch, index + 1, rule)
    again = sample_pair(seed, epoch, index, PairRule.of(group_rows(table(counts)), (1, 4)))
    assert [list(rows) for rows in first[:2]] == [list(rows) for rows in again[:2]]


def test_other_seeds_epochs_and_indices_give_other_pairs():
    rule = PairRule.of(group_rows(table([20, 20])), 4)
    pairs = [sample_pair(*key, rule) for key in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 2)]]
    assert len({(*pair.a, *pair.b) for pair in pairs}) == 4


def test_a_shuffled_table_gives_the_same_pairs_of_images():
    df = table([4, 5, 6])
    shuffled = df.sample(frac=1, random_state=0)
    same = create_pair_dataset_from_labeled_df(df, 20).equals(
        create_pair_dataset_from_labeled_df(shuffled, 20)
    )
    assert same


@pytest.mark.parametrize("ratio", [0, 0.1, 0.25, 0.29, 0.5, 1])
def test_the_share_of_positives_is_exact(ratio):
    pairs = create_pair_dataset_from_labeled_df(table([5, 5]), 100, 2, ratio)
    assert pairs["label"].sum() == round(100 * ratio)


def test_individuals_are_drawn_alike_however_many_images_they_have():
    pairs = create_pair_dataset_from_labeled_df(table([2, 30, 4]), 600, 1, 1.0)
    counts = Counter(a[0].partition("/")[0] for a in pairs["set_a"])
    assert len(counts) == 3
    assert min(counts.values()) > 150


def test_pairs_are_a_table_of_paths():
    pairs = create_pair_dataset_from_labeled_df(table([6, 6]), 4, images_per_set=3)
    assert list(pairs.columns) == ["set_a", "set_b", "label"]
    assert pairs["label"].tolist() == [0, 1, 0, 1]
    assert all(len(set(a) | set(b)) == 6 for a, b in zip(pairs.set_a, pairs.set_b, strict=True))


def test_helpers_give_lists_of_paths_and_draw_a_seed():
    df = table([30, 30])
    a, b, label = sample_positive_pair(df, 3)
    assert label == 1
    assert len({*a, *b}) == 6
    assert len({path.partition("/")[0] for path in [*a, *b]}) == 1
    a, b, label = sample_negative_pair(df, 3)
    assert label == 0
    assert {path.partition("/")[0] for path in a} != {path.partition("/")[0] for path in b}
    assert len({tuple(sample_positive_pair(df, 3)[0]) for _ in range(5)}) > 1
    assert sample_positive_pair(df, 3, seed=1) == sample_positive_pair(df, 3, seed=1)


def test_two_images_make_a_positive_pair_whose_sets_repeat_theirs():
    a, b, _ = sample_positive_pair(table([2]), 3)
    assert {*a} | {*b} == {"0/0.jpg", "0/1.jpg"}
    assert len(a) == len(b) == 3
    assert len({*a}) == len({*b}) == 1


def test_a_range_of_sizes_avoids_repeating():
    for seed in range(20):
        a, b, _ = sample_positive_pair(table([3]), (1, 5), seed=seed)
        assert len({*a, *b}) == len(a) + len(b)


def test_a_single_image_is_in_negative_pairs_only():
    pairs = create_pair_dataset_from_labeled_df(table([1, 1, 4]), 200, 2)
    same = pairs[pairs["label"] == 1]
    assert {path[0] for a in same.set_a for path in a} == {"2"}
    other = pairs[pairs["label"] == 0]
    assert {path[0] for a in [*other.set_a, *other.set_b] for path in a} == {"0", "1", "2"}


def test_a_single_image_is_both_sets_of_a_pair_when_asked_for():
    rule = PairRule.of(group_rows(table([1, 1])), 2, 1.0, singles="repeat")
    pair = sample_pair(0, 0, 0, rule)
    assert len({*pair.a, *pair.b}) == 1


def test_an_image_that_is_listed_twice_counts_once():
    df = pd.concat([table([2, 2]), table([2, 2])])
    assert group_rows(df.reset_index(drop=True)) == {"dog0": [0, 1], "dog1": [2, 3]}


@pytest.mark.parametrize(
    ("change", "error", "why"),
    [
        ({"images_per_set": 0}, ConfigError, "images_per_set: 0"),
        ({"images_per_set": (3, 1)}, ConfigError, r"images_per_set: \(3, 1\)"),
        ({"images_per_set": (1, 2, 3)}, ConfigError, r"images_per_set: \(1, 2, 3\)"),
        ({"images_per_set": 2.5}, ConfigError, r"images_per_set: 2\.5"),
        ({"images_per_set": "2"}, ConfigError, "images_per_set: '2'"),
        ({"positive_ratio": 1.5}, ConfigError, "positive_ratio: 1.5"),
        ({"num_pairs": -1}, ConfigError, "num_pairs: -1"),
        ({"df": table([3])}, DataError, "there is 1 label"),
        ({"df": table([1, 1])}, DataError, 'none of 2 labels has two images.*singles="repeat"'),
        ({"df": table([])}, DataError, "df has no row"),
        ({"df": table([2]).rename(columns={"y": "Y"})}, MissingColumn, '"y".* there are: x, Y'),
        ({"df": pd.DataFrame({"x": ["a"], "y": [None]})}, DataError, '"y" is empty in 1 of 1'),
        ({"df": pd.DataFrame({"x": ["a", np.nan], "y": [1, 2]})}, DataError, '"x" is empty'),
        ({"df": pd.DataFrame({"x": ["a", "a"], "y": [1, 2]})}, DataError, "a has two labels"),
        ({"df": [1]}, TypeError, "must be a pandas DataFrame"),
    ],
)
def test_what_cannot_be_had_is_refused(change, error, why):
    with pytest.raises(error, match=why):
        create_pair_dataset_from_labeled_df(**{"df": table([3, 3]), "num_pairs": 2, **change})


@pytest.mark.parametrize(
    "options", [{"num_pairs": 2.5}, {"num_pairs": -1}, {"num_pairs": 2, "seed": -1}]
)
def test_a_table_of_pairs_names_the_number_that_cannot_be(options):
    df = pd.DataFrame({"x": list("abcd"), "y": list("aabb")})
    with pytest.raises(ConfigError, match="was given; allowed is a number from 0"):
        create_pair_dataset_from_labeled_df(df, **options)
