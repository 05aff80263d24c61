from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenry_pairs.training._draw import padded
from tokenry_pairs.training._sets import SetSampler


def groups_of(counts):
    edges = np.cumsum([0, *counts])
    return {f"l{i}": range(a, b) for i, (a, b) in enumerate(pairwise(edges))}


def same_draw(one, two):
    equal = [np.array_equal(a, b) for a, b in zip(one.sets, two.sets, strict=True)]
    return all(equal) and np.array_equal(one.labels, two.labels)


counts = st.lists(st.integers(1, 12), min_size=2, max_size=9).filter(lambda c: max(c) > 1)
sizes = st.tuples(st.integers(1, 4), st.integers(0, 3)).map(lambda s: (s[0], s[0] + s[1]))


@given(counts, sizes, st.integers(2, 40), st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_every_draw_has_pairs_of_both_kinds_and_no_shared_image(counts, size, sets, step):
    groups = groups_of(counts)
    draw = SetSampler(groups, sets=sets, size=size, seed=3).draw(1, step)
    owner = {row: number for number, rows in enumerate(groups.values()) for row in rows}
    for rows, label in zip(draw.sets, draw.labels, strict=True):
        assert 1 <= len(rows) <= size[1]
        assert {owner[int(row)] for row in rows} == {int(label)}
    used = np.concatenate(draw.sets)
    assert len(set(used.tolist())) == len(used)
    assert draw.same.any()
    assert not draw.same.all()
    assert len(draw.left) == len(draw.sets) * (len(draw.sets) - 1) // 2


def test_a_draw_follows_from_seed_epoch_and_step_alone():
    make = lambda seed: SetSampler(groups_of([9] * 6), sets=16, size=(3, 3), seed=seed)  # noqa: E731
    one = make(0)
    one.draw(4, 4)
    assert same_draw(one.draw(1, 2), make(0).draw(1, 2))
    for other in (make(1).draw(1, 2), make(0).draw(2, 2), make(0).draw(1, 3)):
        assert not same_draw(one.draw(1, 2), other)


def test_individuals_with_enough_images_fill_the_step():
    draw = SetSampler(groups_of([30] * 20), sets=48, size=(3, 3), seed=0).draw(0, 0)
    assert len(draw.sets) == 48
    assert np.bincount(draw.labels).max() == 4


def test_neighbours_are_set_beside_half_of_the_individuals():
    asked = []

    def neighbours(labels, count):
        asked.append(len(labels))
        return np.array([n for n in range(20) if n not in labels][:count])

    draw = SetSampler(groups_of([30] * 20), sets=48, size=(3, 3), seed=0).draw(0, 0, neighbours)
    assert asked == [6]
    assert len(set(draw.labels.tolist())) == 12


def test_padding_is_masked():
    rows, mask = padded([np.array([5]), np.array([1, 2, 3])])
    assert rows[mask].tolist() == [5, 1, 2, 3]
    assert mask.tolist() == [[True, False, False], [True, True, True]]


@pytest.mark.parametrize("single", [0.0, 0.9])
def test_at_least_half_of_the_individuals_can_give_positives(single):
    many = [1] * round(100 * single) + [9] * round(100 * (1 - single))
    draw = SetSampler(groups_of(many), sets=48, size=(3, 3), seed=0).draw(0, 0)
    paired = [label for label in set(draw.labels.tolist()) if (draw.labels == label).sum() > 1]
    assert len(paired) >= 6
