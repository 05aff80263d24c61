import numpy as np
import torch

from tokenry_pairs.training._mining import LabelBank


def dot(a, b):
    return a @ b.T


def bank(vectors):
    made = LabelBank(len(vectors) + 1, 2, "cpu")  # the last one is never seen
    made.keep(np.arange(len(vectors)), torch.tensor(vectors))
    return made


def test_the_most_alike_come_first():
    one = bank([[1.0, 0.0], [0.0, 1.0], [0.9, 0.1], [0.5, 0.5]])
    assert one.neighbours(dot, np.array([0]), 2).tolist() == [2, 3]


def test_the_nearest_of_each_comes_before_the_second_nearest_of_any():
    one = bank([[1.0, 0.0], [0.0, 1.0], [0.9, 0.0], [0.8, 0.0], [0.0, 0.1]])
    assert one.neighbours(dot, np.array([0, 1]), 2).tolist() == [2, 4]


def test_who_was_not_seen_is_nobodys_neighbour():
    one = bank([[1.0, 0.0], [0.0, 1.0]])
    assert one.neighbours(dot, np.array([2]), 2).tolist() == []
    assert one.neighbours(dot, np.array([0, 1]), 2).tolist() == []


def test_the_first_set_of_an_individual_is_kept():
    one = LabelBank(2, 1, "cpu")
    one.keep(np.array([1, 0, 1]), torch.tensor([[1.0], [2.0], [3.0]]))
    assert one.vectors.flatten().tolist() == [2.0, 1.0]
