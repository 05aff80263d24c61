import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as peer

from tokenry_core.errors import DataError, ShapeError
from tokenry_pairs.evaluation import (
    curve_of,
    fit_temperature,
    pair_metrics,
    probabilities,
    reliability,
    threshold_at,
)

# few different values, so that ties are frequent
PAIRS = st.lists(
    st.tuples(st.booleans(), st.integers(-8, 8).map(lambda n: n / 2)), min_size=2, max_size=40
)
BOTH = PAIRS.filter(lambda pairs: len({same for same, _ in pairs}) == 2)


def arrays(pairs):
    same, logits = zip(*pairs, strict=True)
    return np.array(same), np.array(logits)


@given(BOTH, st.sampled_from([0.3, 0.5, 0.9]))
def test_metrics_are_those_of_scikit_learn(pairs, threshold):
    same, logits = arrays(pairs)
    found = pair_metrics(same, logits, threshold)
    match = probabilities(logits) >= threshold
    expected = {
        "accuracy": peer.accuracy_score(same, match),
        "precision": peer.precision_score(same, match, zero_division=0),
        "recall": peer.recall_score(same, match),
        "f1_score": peer.f1_score(same, match, zero_division=0),
        "auc_roc": peer.roc_auc_score(same, logits),
        "auc_pr": peer.average_precision_score(same, logits),
    }
    assert {key: found[key] for key in expected} == pytest.approx(expected)
    assert all(type(value) is float for value in found.values())


@given(BOTH)
def test_auc_is_the_share_of_pairs_of_pairs_in_the_right_order(pairs):
    same, logits = arrays(pairs)
    steps = np.sign(logits[same][:, None] - logits[~same])
    assert curve_of(same, logits).auc_roc == pytest.approx((steps.mean() + 1) / 2)


@given(BOTH)
def test_the_curve_counts_what_every_threshold_lets_through(pairs):
    same, logits = arrays(pairs)
    curve = curve_of(same, logits)
    assert curve.thresholds.tolist() == sorted(set(logits), reverse=True)
    for threshold, true, false in zip(*curve, strict=True):
        assert true == np.sum(logits[same] >= threshold)
        assert false == np.sum(logits[~same] >= threshold)


@given(BOTH)
def test_no_threshold_has_errors_nearer_to_each_other(pairs):
    same, logits = arrays(pairs)
    threshold, rate = curve_of(same, logits).equal_error

    def errors(at):
        return np.mean(logits[~same] >= at), np.mean(logits[same] < at)

    gaps = [abs(np.subtract(*errors(at))) for at in logits]
    assert abs(np.subtract(*errors(threshold))) == pytest.approx(min(gaps))
    assert rate == pytest.approx(np.mean(errors(threshold)))


@given(BOTH, st.integers(1, 20))
def test_calibration_error_is_that_of_a_loop_over_bins(pairs, bins):
    same, logits = arrays(pairs)
    likely = probabilities(logits)
    total = 0.0
    for number in range(bins):
        low, high = number / bins, (number + 1) / bins
        inside = (likely >= low) & ((likely < high) | (number == bins - 1))
        if inside.any():
            total += inside.mean() * abs(likely[inside].mean() - same[inside].mean())
    assert reliability(same, likely, bins).error == pytest.approx(total)


def test_one_kind_of_pair_alone_leaves_what_needs_both_open():
    found = pair_metrics([1, 1], [1.0, -1.0])
    assert found["accuracy"] == 0.5
    assert math.isnan(found["auc_roc"])
    assert math.isnan(found["equal_error_threshold"])
    assert math.isnan(pair_metrics([0, 0], [1.0, -1.0])["recall"])


def test_certainty_does_not_hide_the_order_of_scores():
    found = pair_metrics([0, 0, 1, 1], [300.0, 301.0, 302.0, 303.0])
    assert found["auc_roc"] == 1.0


@pytest.mark.parametrize(
    ("labels", "scores", "error", "why"),
    [
        ([1], [1.0, 2.0], ShapeError, r"\(1,\) and scores of shape \(2,\)"),
        ([], [], ShapeError, "at least one"),
        ([2, 0], [1.0, 2.0], DataError, "1 .* or 0"),
        ([1, 0], [float("nan"), 2.0], DataError, "1 of 2 scores are NaN"),
    ],
)
def test_what_cannot_be_measured_is_refused(labels, scores, error, why):
    with pytest.raises(error, match=why):
        pair_metrics(labels, scores)


@given(BOTH)
def test_no_other_temperature_fits_better(pairs):
    same, logits = arrays(pairs)
    ones, zeros = same.sum(), (~same).sum()
    target = np.where(same, (ones + 1) / (ones + 2), 1 / (zeros + 2))

    def loss(temperature):
        z = logits / temperature
        return np.sum(np.logaddexp(0, z) - target * z)

    best = fit_temperature(same, logits)
    assert 0.02 - 1e-9 <= best <= 50 + 1e-9
    for other in np.geomspace(0.02, 50, 60):
        assert loss(best) <= loss(other) + 1e-9


def test_calibration_makes_probabilities_come_true():
    random = np.random.default_rng(0)
    honest = random.normal(0, 2, 20_000)
    same = random.random(20_000) < probabilities(honest)
    before = pair_metrics(same, 5 * honest)
    temperature = fit_temperature(same, 5 * honest)
    after = pair_metrics(same, 5 * honest, temperature=temperature)
    assert temperature == pytest.approx(5, rel=0.05)
    assert before["calibration_error"] > 0.1 > 0.02 > after["calibration_error"]
    assert before["auc_roc"] == after["auc_roc"]


def test_pairs_without_an_error_leave_some_doubt():
    temperature = fit_temperature([1] * 50 + [0] * 50, [1.0] * 50 + [-1.0] * 50)
    assert probabilities(1.0, temperature) == pytest.approx(51 / 52)


def test_calibration_needs_both_kinds_of_pairs():
    with pytest.raises(DataError, match="2 pairs of one individual and 0 of two"):
        fit_temperature([1, 1], [0.5, 1.0])


@given(BOTH, st.floats(0.001, 0.999), st.integers(1, 5))
def test_the_threshold_lets_no_more_false_matches_through_than_asked_for(pairs, rate, comparisons):
    same, logits = arrays(pairs)
    others = logits[~same]
    threshold = threshold_at(same, logits, rate, comparisons)
    assert np.mean(others >= threshold) <= rate / comparisons + 1e-9
    lower = others[others < threshold]
    if len(lower):  # the next lower one would let too many through
        assert np.mean(others >= lower.max()) > rate / comparisons - 1e-9


def test_a_rate_that_is_none_is_refused():
    with pytest.raises(ValueError, match="false_match_rate: 0"):
        threshold_at([0], [1.0], 0)
    with pytest.raises(DataError, match="learned from"):
        threshold_at([1], [1.0], 0.1)


@pytest.mark.parametrize("use", [fit_temperature, lambda y, s: threshold_at(y, s, 0.1)])
@pytest.mark.parametrize(
    ("labels", "logits", "error"),
    [
        ([0, 1], [1.0], ShapeError),
        ([], [], ShapeError),
        ([0, 2], [1.0, 2.0], DataError),
        ([0, 1], [float("nan"), 1.0], DataError),
    ],
)
def test_pairs_that_nothing_can_be_learned_from_are_refused(use, labels, logits, error):
    with pytest.raises(error):
        use(labels, logits)
