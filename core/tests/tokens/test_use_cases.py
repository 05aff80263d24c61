"""What sampling bottom-up asks of the container: swap, extract, override, restructure."""

import numpy as np
import pytest

from tokenry_core.tokens import Independence, Tokens


class Recorder:
    """Stands for an estimator: says which tokens it would learn and which it is given."""

    def fit(self, tokens, target_keys, conditioning_keys):
        targets, given = (tokens.select_tokens(keys) for keys in (target_keys, conditioning_keys))
        return targets, given, targets.cross_attention_mask(given)


@pytest.fixture
def simulated(library, hierarchy):
    return library.tree(hierarchy)


def test_keys_swap_between_target_and_condition(simulated, hierarchy, hierarchical_independence):
    tokens = Tokens.from_pytree(simulated, hierarchical_independence)
    forward = Recorder().fit(tokens, ["theta"], ["obs"])
    swapped = Recorder().fit(tokens, ["obs"], ["theta"])
    np.testing.assert_array_equal(np.asarray(swapped[0].data), np.asarray(forward[1].data))
    np.testing.assert_array_equal(np.asarray(swapped[1].data), np.asarray(forward[0].data))
    np.testing.assert_array_equal(np.asarray(swapped[2]), np.asarray(forward[2]).T)
    np.testing.assert_array_equal(np.asarray(forward[2]), np.kron(np.eye(5), np.ones((1, 3))))


def test_global_parameters_are_extracted(simulated, hierarchy, hierarchical_independence):
    tokens = Tokens.from_pytree(simulated, hierarchical_independence)
    view = tokens.select_tokens(["mu"])
    assert list(view.decode()) == ["mu"]
    np.testing.assert_array_equal(np.asarray(view.decode()["mu"]), hierarchy["mu"])


def test_values_are_overridden(library, simulated, hierarchy, hierarchical_independence):
    tokens = Tokens.from_pytree(simulated, hierarchical_independence)
    mu, theta = np.full((4, 1, 1), 2.0), np.full((4, 5, 1), 3.0)
    new = tokens.with_values(mu=library.tree(mu), theta=library.tree(theta))
    again = Tokens.from_pytree(
        library.tree({**hierarchy, "mu": mu, "theta": theta}), hierarchical_independence
    )
    np.testing.assert_array_equal(np.asarray(new.data), np.asarray(again.data))
    assert new.layout == again.layout


def test_one_structure_is_cut_at_call_time(library, hierarchy, hierarchical_independence):
    simulated = {"theta": hierarchy["theta"], "mu": hierarchy["mu"]}
    tokens = Tokens.from_pytree(
        library.tree({**simulated, "obs": hierarchy["obs"]}), hierarchical_independence
    )
    targets, given, mask = Recorder().fit(tokens, list(simulated), ["obs"])
    apart = Tokens.from_pytree(
        library.tree(simulated), Independence.of(hierarchical_independence).among(simulated)
    )
    np.testing.assert_array_equal(np.asarray(targets.data), np.asarray(apart.data))
    np.testing.assert_array_equal(
        np.asarray(targets.self_attention_mask), np.asarray(apart.self_attention_mask)
    )
    assert tuple(mask.shape) == (6, 15)
    assert tuple(given.data.shape) == (4, 15, 1)
