"""Learn the parameters of a hierarchical simulation from its observations, under `jax.jit`.

Each of ten sites has a parameter theta around a global mu, and four noisy observations. A small
attention network predicts mu and every theta from the observations; the independence of the model
is its attention mask. The exact posterior means are known, so the result can be judged.
"""

from __future__ import annotations

import argparse

import jax
import jax.numpy as jnp
import numpy as np

from tokenry_core.tokens import TokenGenerator, Tokens, generate_static_dataset

SITES, OBSERVED = 10, 4
TARGETS, GIVEN = ["mu", "theta"], ["obs"]

# theta sees the observations of its own site; mu sees all of them.
INDEPENDENCE = {
    "local": ["theta", "obs"],
    "cross_local": [("theta", "obs", (0, 0))],
}


def prior(key, n):
    """Draw the global mean and the sites around it."""
    for_mu, for_theta = jax.random.split(key)
    mu = jax.random.normal(for_mu, (n, 1, 1))
    return {"mu": mu, "theta": mu + jax.random.normal(for_theta, (n, SITES, 1))}


def simulator(key, parameters):
    """Observe every site a few times."""
    n = len(parameters["theta"])
    noise = jax.random.normal(key, (n, SITES, OBSERVED, 1))
    return {"obs": parameters["theta"][..., None] + noise}


def initialise(key, width: int):
    keys = jax.random.split(key, 5)

    def matrix(key, rows, columns):
        return jax.random.normal(key, (rows, columns)) / jnp.sqrt(rows)

    return {
        "label": 0.1 * jax.random.normal(keys[0], (3, width)),
        "read": matrix(keys[1], 1, width),
        "mix": matrix(keys[2], 2 * width, width),
        "theta_from_mu": jnp.zeros(()),
        "out": matrix(keys[3], width, 1),
    }


def predict(weights, tokens: Tokens) -> Tokens:
    """Give tokens whose targets are predicted from the given keys alone."""
    targets, given = tokens.select_tokens(TARGETS), tokens.select_tokens(GIVEN)
    values = given.data @ weights["read"] + weights["label"][given.labels]
    mask = targets.cross_attention_mask(given)
    seen = mask @ values / mask.sum(-1, keepdims=True)
    asked = jnp.broadcast_to(weights["label"][targets.labels], seen.shape)
    hidden = jax.nn.gelu(jnp.concatenate([seen, asked], -1) @ weights["mix"])
    flat = hidden @ weights["out"]
    decoded = targets.decode(flat)
    # A site borrows from the global mean: what hierarchical models call shrinkage.
    theta = decoded["theta"] + weights["theta_from_mu"] * decoded["mu"]
    return tokens.with_values(mu=decoded["mu"], theta=theta)


def loss(weights, tokens: Tokens):
    """Mean squared error of the targets: least where they are the posterior means."""
    wanted = tokens.select_tokens(TARGETS).data
    return ((predict(weights, tokens).select_tokens(TARGETS).data - wanted) ** 2).mean()


@jax.jit
def step(weights, momentum, tokens: Tokens, rate):
    """One step of gradient descent with momentum; traced once, for tokens have one structure."""
    value, gradient = jax.value_and_grad(loss)(weights, tokens)
    momentum = jax.tree.map(lambda m, g: 0.9 * m + g, momentum, gradient)
    weights = jax.tree.map(lambda w, m: w - rate * m, weights, momentum)
    return weights, momentum, value


def posterior_means(obs):
    """Give the exact posterior means of mu and theta for observations (n, sites, observed, 1)."""
    site = np.asarray(obs).mean(2)  # theta + noise of variance 1 / observed
    spread = 1 + 1 / OBSERVED
    mu = site.sum(1, keepdims=True) / spread / (1 + SITES / spread)
    shrink = 1 / spread
    return mu, mu + shrink * (site - mu)


def train(steps: int, batch_size: int = 256, seed: int = 0):
    generator = TokenGenerator(
        prior, simulator, None, INDEPENDENCE, steps * batch_size, batch_size, jax.random.key(seed)
    )
    weights = initialise(jax.random.key(seed + 1), width=32)
    momentum = jax.tree.map(jnp.zeros_like, weights)
    for number, tokens in enumerate(generator):
        rate = 0.02 * 0.5 * (1 + np.cos(np.pi * number / steps))
        weights, momentum, value = step(weights, momentum, tokens, rate)
        if number % max(steps // 5, 1) == 0:
            print(f"step {number:5d}  loss {value:.3f}")
    return weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1500)
    steps = parser.parse_args().steps
    weights = train(steps)
    test = generate_static_dataset(jax.random.key(99), prior, simulator, None, INDEPENDENCE, 4096)
    truth, found = test.decode(), predict(weights, test).decode()
    for key, exact in zip(TARGETS, posterior_means(truth["obs"]), strict=True):
        errors = [float(np.mean((np.asarray(v) - truth[key]) ** 2)) for v in (found[key], exact)]
        print(
            f"{key:5s} mean squared error {errors[0]:.3f}, of the exact posterior {errors[1]:.3f}"
        )
    print("the step was traced", step._cache_size(), "time")


if __name__ == "__main__":
    main()
