import numpy as np
import pytest

from tokenry_core.errors import ConfigError
from tokenry_core.tokens import Ragged, TokenGenerator, generate_static_dataset

INDEPENDENCE = {"local": ["obs"], "cross_local": [("theta", "obs", (0, 0))]}


def numpy_model():
    def prior(key, n):
        rng = np.random.default_rng(key)
        return {"mu": rng.normal(size=(n, 1, 1)), "theta": rng.normal(size=(n, 3, 1))}

    def simulator(key, parameters):
        noise = np.random.default_rng(key).normal(size=(len(parameters["mu"]), 3, 2))
        return {"obs": parameters["mu"] + parameters["theta"] + noise}

    return prior, simulator


def torch_model():
    import torch

    def prior(key, n):
        generator = torch.Generator().manual_seed(int(key[0]))
        return {
            "mu": torch.randn(n, 1, 1, generator=generator),
            "theta": torch.randn(n, 3, 1, generator=generator),
        }

    def simulator(key, parameters):
        generator = torch.Generator().manual_seed(int(key[0]))
        noise = torch.randn(len(parameters["mu"]), 3, 2, generator=generator)
        return {"obs": parameters["mu"] + parameters["theta"] + noise}

    return prior, simulator


def jax_model():
    import jax

    def prior(key, n):
        one, other = jax.random.split(key)
        return {
            "mu": jax.random.normal(one, (n, 1, 1)),
            "theta": jax.random.normal(other, (n, 3, 1)),
        }

    def simulator(key, parameters):
        noise = jax.random.normal(key, (len(parameters["mu"]), 3, 2))
        return {"obs": parameters["mu"] + parameters["theta"] + noise}

    return prior, simulator


MODELS = {"numpy": numpy_model, "torch": torch_model, "jax": jax_model}


@pytest.fixture
def model(library):
    return MODELS[library.name]()


def inputs(parameters):
    n = len(parameters["mu"])
    return {"obs": np.zeros((n, 3, 1), np.float32)}


def test_the_static_set_holds_the_generators_batches(model):
    generator = TokenGenerator(*model, inputs, INDEPENDENCE, n_samples=12, batch_size=4, seed=5)
    static = generate_static_dataset(5, *model, inputs, INDEPENDENCE, 12, batch_size=4)
    assert tuple(static.data.shape) == (12, 7, 2)
    for number, batch in enumerate(generator):
        part = static[4 * number : 4 * number + 4]
        for name in ("data", "functional_inputs", "labels", "self_attention_mask"):
            np.testing.assert_array_equal(
                np.asarray(getattr(part, name)), np.asarray(getattr(batch, name))
            )


def test_iterating_again_draws_the_same(model):
    generator = TokenGenerator(*model, None, INDEPENDENCE, n_samples=8, batch_size=4, seed=0)
    first, second = ([np.asarray(batch.data) for batch in generator] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first[0], first[1])
    assert len(generator) == len(first) == 2


def test_a_batch_depends_on_its_number_alone(model):
    short, long = (
        TokenGenerator(*model, None, INDEPENDENCE, n_samples=n, batch_size=4, seed=0)
        for n in (8, 40)
    )
    np.testing.assert_array_equal(np.asarray(short.batch(1).data), np.asarray(long.batch(1).data))


def test_another_seed_draws_others(model):
    a, b = (
        TokenGenerator(*model, None, INDEPENDENCE, 4, 4, seed=seed).batch(0).data for seed in (0, 1)
    )
    assert not np.array_equal(np.asarray(a), np.asarray(b))


def test_without_a_batch_size_all_samples_are_one_batch(model):
    static = generate_static_dataset(0, *model, None, INDEPENDENCE, 6)
    one = TokenGenerator(*model, None, INDEPENDENCE, n_samples=6, batch_size=6, seed=0)
    np.testing.assert_array_equal(np.asarray(static.data), np.asarray(next(iter(one)).data))


def test_zero_samples_keep_their_structure(model):
    static = generate_static_dataset(0, *model, None, INDEPENDENCE, 0)
    assert tuple(static.data.shape) == (0, 7, 2)
    assert len(TokenGenerator(*model, None, INDEPENDENCE, 0, 4, seed=0)) == 0


def test_only_whole_batches_are_drawn():
    with pytest.raises(
        ConfigError, match="n_samples is 10, which is no whole number of batches of 4"
    ):
        TokenGenerator(*numpy_model(), None, INDEPENDENCE, n_samples=10, batch_size=4, seed=0)
    with pytest.raises(ConfigError, match="no whole number of batches of 0"):
        TokenGenerator(*numpy_model(), None, INDEPENDENCE, n_samples=10, batch_size=0, seed=0)


def test_a_jax_key_gives_jax_keys_and_the_draws_of_its_seed():
    import jax

    prior, simulator = jax_model()
    seen = []

    def spy(key, n):
        seen.append(key)
        return prior(key, n)

    typed = generate_static_dataset(jax.random.key(7), spy, simulator, None, INDEPENDENCE, 4)
    raw = generate_static_dataset(jax.random.PRNGKey(7), spy, simulator, None, INDEPENDENCE, 4)
    plain = generate_static_dataset(7, spy, simulator, None, INDEPENDENCE, 4)
    assert jax.dtypes.issubdtype(seen[0].dtype, jax.dtypes.prng_key)
    assert seen[1].shape == seen[2].shape == (2,)
    np.testing.assert_array_equal(typed.data, plain.data)
    np.testing.assert_array_equal(raw.data, plain.data)


@pytest.mark.parametrize("seed", [-1, 1.5, True, "seed", None, np.zeros(3, np.uint32)])
def test_a_seed_of_another_form_is_refused(seed):
    with pytest.raises(ConfigError, match="give a whole number from 0 to"):
        TokenGenerator(*numpy_model(), None, INDEPENDENCE, 4, 4, seed=seed)


def test_a_traced_seed_is_refused():
    import jax

    def draw(key):
        return generate_static_dataset(key, *jax_model(), None, INDEPENDENCE, 4).data

    with pytest.raises(ConfigError, match=r"Dynamic shape detected in JIT context.*outside of jit"):
        jax.jit(draw)(jax.random.key(0))


def test_a_key_that_both_functions_give_is_refused():
    prior, _ = numpy_model()
    generator = TokenGenerator(prior, lambda key, p: p, None, None, 4, 4, seed=0)
    with pytest.raises(ConfigError, match=r"both give \['mu', 'theta'\]"):
        next(iter(generator))


def test_order_and_batch_dimensions_are_passed_on():
    generator = TokenGenerator(
        *numpy_model(), None, None, 4, 4, 0, batch_ndims=0, key_order=["obs", "mu", "theta"]
    )
    assert generator.batch(0).data.shape == (4, 10, 1)
    assert generator.batch(0).key_order == ["obs", "mu", "theta"]


def test_ragged_observations_need_one_size_to_be_joined():
    def simulator(size):
        def run(key, parameters):
            lengths = np.random.default_rng(key).integers(0, 5, len(parameters["mu"]))
            indptr = np.concatenate([[0], np.cumsum(lengths)])
            return {"obs": Ragged(np.ones((indptr[-1], 1)), indptr, size)}

        return run

    prior, _ = numpy_model()
    joined = generate_static_dataset(0, prior, simulator(5), None, None, 12, batch_size=3)
    assert joined.padding_mask.shape == (12, 9)
    with pytest.raises(ConfigError, match="Batches differ in structure"):
        generate_static_dataset(0, prior, simulator(None), None, None, 12, batch_size=3)
