"""A small estimator that learns target keys from conditioning keys, drawn either way."""

import numpy as np
import pytest

from tokenry_core.tokens import TokenGenerator, Tokens, generate_static_dataset

INDEPENDENCE = {"local": ["obs", "theta"], "cross_local": [("theta", "obs", (0, 0))]}
SITES, SLOPE = 3, 0.8


def prior(key, n):
    return {"theta": np.random.default_rng(key).normal(size=(n, SITES, 1))}


def simulator(key, parameters):
    noise = np.random.default_rng(key).normal(size=(len(parameters["theta"]), SITES, 4))
    return {"obs": parameters["theta"] + 0.5 * noise}


class LinearEstimator:
    """Predicts each target token from the mean of the given tokens that it may attend to."""

    slope = 0.0

    def fit(self, batches, target_keys, conditioning_keys, rate=0.1):
        for tokens in batches:
            seen, wanted = self._seen(tokens, target_keys, conditioning_keys)
            self.slope -= rate * ((self.slope * seen - wanted) * seen).mean()
        return self

    def sample(self, tokens: Tokens, target_keys, conditioning_keys) -> Tokens:
        seen, _ = self._seen(tokens, target_keys, conditioning_keys)
        view = tokens.select_tokens(target_keys)
        drawn = np.zeros_like(view.data)
        drawn[..., 0] = self.slope * seen
        return tokens.with_values(**view.decode(drawn))

    @staticmethod
    def _seen(tokens, target_keys, conditioning_keys):
        targets, given = (tokens.select_tokens(keys) for keys in (target_keys, conditioning_keys))
        mask = targets.cross_attention_mask(given)
        seen = given.data.mean(-1) @ mask.T / mask.sum(-1)
        return seen, targets.data[..., 0]


def through_generator():
    return list(TokenGenerator(prior, simulator, None, INDEPENDENCE, 6400, 64, seed=1))


def through_static_set():
    tokens = generate_static_dataset(1, prior, simulator, None, INDEPENDENCE, 6400, batch_size=64)
    return [tokens[start : start + 64] for start in range(0, 6400, 64)]


# Four observations a token: the narrower theta is padded to their width on purpose.
pytestmark = pytest.mark.filterwarnings("ignore::tokenry_core.tokens.PaddingWarning")


@pytest.mark.parametrize("batches", [through_generator, through_static_set])
def test_the_estimator_learns_through_both(batches):
    estimator = LinearEstimator().fit(batches(), ["theta"], ["obs"])
    assert estimator.slope == pytest.approx(1 / (1 + 0.25 / 4), abs=0.05)


def test_both_ways_train_the_same_estimator():
    slopes = [
        LinearEstimator().fit(batches(), ["theta"], ["obs"]).slope
        for batches in (through_generator, through_static_set)
    ]
    assert slopes[0] == slopes[1]


def test_samples_go_to_the_target_keys_alone():
    tokens = through_static_set()[0]
    estimator = LinearEstimator()
    estimator.slope = 1.0
    sampled = estimator.sample(tokens, ["theta"], ["obs"]).decode()
    np.testing.assert_array_equal(sampled["obs"], tokens.decode()["obs"])
    expected = tokens.decode()["obs"].mean(-1, keepdims=True)
    np.testing.assert_allclose(sampled["theta"], expected)
