"""Masks of three hierarchical models, against masks written out by hand."""

import numpy as np
import pytest

from tokenry_core.tokens import Tokens


def test_hierarchical_gaussian(library):
    data = {"mu": np.ones((2, 1, 1)), "theta": np.ones((2, 2, 1)), "obs": np.ones((2, 2, 1))}
    rules = {
        "local": ["obs", "theta"],
        "cross": [("mu", "obs"), ("obs", "mu")],
        "cross_local": [("theta", "obs", (0, 0))],
    }
    expected = [
        [1, 1, 1, 0, 0],  # mu: itself and every theta
        [1, 0, 0, 1, 0],  # theta 0: mu and its own observation
        [1, 0, 0, 0, 1],
        [0, 1, 0, 0, 0],  # obs 0: its own theta alone
        [0, 0, 1, 0, 0],
    ]
    tokens = Tokens.from_pytree(library.tree(data), rules)
    np.testing.assert_array_equal(np.asarray(tokens.self_attention_mask), expected)


def test_hierarchical_brownian(library):
    """Drift and scale of two walks, each observed at three times; times are functional inputs."""
    data = {
        "hyper": np.ones((1, 2, 1)),
        "drift": np.ones((1, 2, 1)),
        "scale": np.ones((1, 2, 1)),
        "path": np.ones((1, 2, 3, 1)),
    }
    times = np.broadcast_to(np.arange(3.0)[:, None], (1, 2, 3, 1))
    rules = {
        "local": ["drift", "scale"],
        "cross": [("hyper", "path"), ("path", "hyper")],
        "cross_local": [
            ("drift", "scale", None),
            ("drift", "path", (0, 0)),
            ("scale", "path", (0, 0)),
            ("path", "path", (0, 0)),
        ],
    }
    expected = [
        # hyper  drift  scale  walk 0   walk 1
        [1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0],
        [1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 1, 0, 1, 1, 1, 0, 0, 0],  # drift of walk 0
        [1, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1],
        [1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0],  # scale of walk 0
        [1, 1, 0, 1, 0, 0, 0, 0, 0, 1, 1, 1],
        *[[0, 0, 1, 0, 1, 0, 1, 1, 1, 0, 0, 0]] * 3,  # walk 0
        *[[0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 1, 1]] * 3,
    ]
    tokens = Tokens.from_pytree(
        library.tree(data), rules, functional_inputs=library.tree({"path": times})
    )
    np.testing.assert_array_equal(np.asarray(tokens.self_attention_mask), expected)
    inputs = np.asarray(tokens.functional_inputs)[0, :, 0]
    np.testing.assert_array_equal(inputs, [np.float32(-1e8)] * 6 + [0, 1, 2] * 2)


def epidemic(sites, times):
    """A shared contact rate, a rate of each site, and cases by site and time."""
    data = {
        "beta": np.ones((1, 1, 1), np.float32),
        "rate": np.ones((1, sites, 1), np.float32),
        "cases": np.ones((1, sites, times, 1), np.float32),
    }
    rules = {
        "local": ["rate"],
        "cross": [("beta", "cases"), ("cases", "beta")],
        "cross_local": [("rate", "cases", (0, 0)), ("cases", "cases", (0, 0))],
    }
    return data, rules


def epidemic_mask(sites, times):
    expected = np.zeros((1 + sites + sites * times,) * 2, np.float32)
    expected[0, 0] = 1
    expected[0, 1 : 1 + sites] = expected[1 : 1 + sites, 0] = 1
    for site in range(sites):
        rate = 1 + site
        cases = slice(1 + sites + site * times, 1 + sites + (site + 1) * times)
        expected[rate, cases] = expected[cases, rate] = expected[cases, cases] = 1
    return expected


def test_epidemic_by_site_and_time(library):
    data, rules = epidemic(3, 4)
    tokens = Tokens.from_pytree(library.tree(data), rules)
    np.testing.assert_array_equal(np.asarray(tokens.self_attention_mask), epidemic_mask(3, 4))


@pytest.mark.slow
def test_epidemic_of_a_hundred_sites(library):
    data, rules = epidemic(100, 40)
    tokens = Tokens.from_pytree(library.tree(data), rules)
    expected = epidemic_mask(100, 40)
    np.testing.assert_array_equal(np.asarray(tokens.self_attention_mask), expected)
    site = tokens.select_tokens(["cases", "rate"])
    at = np.r_[101:4101, 1:101]
    np.testing.assert_array_equal(np.asarray(site.self_attention_mask), expected[np.ix_(at, at)])
    summary = tokens.block_summary()
    assert summary.allowed.sum() == expected.sum()
