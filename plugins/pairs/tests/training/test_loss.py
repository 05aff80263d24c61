import numpy as np
import pytest
import torch

from tokenry_core.errors import ConfigError, ShapeError
from tokenry_pairs.training import PairMatchingLoss
from tokenry_pairs.training._loss import balanced_weights


def by_hand(logits, labels, pos_weight=1.0):
    p = 1 / (1 + np.exp(-logits))
    return -(pos_weight * labels * np.log(p) + (1 - labels) * np.log(1 - p))


@pytest.mark.parametrize("pos_weight", [None, 3.0])
def test_loss_is_the_mean_cross_entropy(pos_weight):
    logits, labels = np.array([0.3, -1.2, 2.0]), np.array([1, 0, 0])
    found = PairMatchingLoss(pos_weight)(torch.tensor(logits), torch.tensor(labels))
    assert float(found) == pytest.approx(by_hand(logits, labels, pos_weight or 1.0).mean())


def test_logits_and_labels_may_have_a_dimension_more():
    logits, labels = torch.randn(5, 1), torch.randint(0, 2, (5,))
    loss = PairMatchingLoss()
    assert loss(logits, labels) == loss(logits.squeeze(1), labels[:, None])


def test_weights_make_a_weighted_mean():
    logits, labels, weights = torch.randn(6), torch.randint(0, 2, (6,)), torch.rand(6)
    expected = np.average(by_hand(logits.numpy(), labels.numpy()), weights=weights.numpy())
    assert float(PairMatchingLoss()(logits, labels, weights)) == pytest.approx(expected, rel=1e-5)


def test_large_logits_stay_finite():
    assert torch.isfinite(PairMatchingLoss()(torch.tensor([1e4, -1e4]), torch.tensor([0, 1])))


def test_another_number_of_labels_is_refused():
    with pytest.raises(ShapeError, match="logits and"):
        PairMatchingLoss()(torch.zeros(3, 1), torch.zeros(2))


@pytest.mark.parametrize("pos_weight", [0, -1.0, float("nan")])
def test_a_weight_that_is_not_above_zero_is_refused(pos_weight):
    with pytest.raises(ConfigError, match="above 0"):
        PairMatchingLoss(pos_weight)


@pytest.mark.parametrize("ratio", [0.25, 0.5])
def test_balanced_weights_give_positives_their_share(ratio):
    labels = torch.tensor([1.0, 0, 0, 0, 0, 1])
    weights = balanced_weights(labels, ratio)
    assert float(weights[labels > 0].sum()) == pytest.approx(ratio)
    assert float(weights.sum()) == pytest.approx(1)


def test_a_step_without_positives_still_has_weights():
    assert torch.isfinite(balanced_weights(torch.zeros(3))).all()
