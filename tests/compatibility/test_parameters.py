"""The document "Parameter Processing Infrastructure": its interfaces, messages and use cases."""

import numpy as np
import pytest

from tokenry_core.tokens import (
    Independence,
    PaddingWarning,
    TokenGenerator,
    Tokens,
    TokenView,
    UnknownKey,
    build_cross_attention_mask,
    build_padding_mask,
    build_self_attention_mask,
    decode_pytree,
    flatten_functional_inputs,
    flatten_pytree,
    generate_static_dataset,
    update_flat_array,
)

INDEPENDENCE = {
    "local": ["obs", "theta"],
    "cross": [("mu", "obs"), ("obs", "mu")],
    "cross_local": [("theta", "obs", (0, 0))],
}


@pytest.fixture
def simple_pytree():
    return {"mu": np.ones((1, 1, 1)), "theta": np.ones((1, 5, 1)), "obs": np.ones((1, 5, 2))}


@pytest.fixture
def tokens(simple_pytree):
    inputs = {"obs": np.zeros((1, 5, 1))}
    return Tokens.from_pytree(
        data=simple_pytree,
        independence=INDEPENDENCE,
        functional_inputs=inputs,
        sample_ndims=1,
        batch_ndims={"mu": 1, "theta": 1, "obs": 1},
    )


def test_tokens_have_the_fields_of_the_document(tokens):
    assert tokens.data.shape == (1, 11, 2)
    assert tokens.labels.shape == tokens.padding_mask.shape == (1, 11)
    assert tokens.self_attention_mask.shape == (11, 11)
    assert tokens.functional_inputs.shape == (1, 11, 2)
    assert tokens.slices["obs"] == {"offset": 6, "event_shape": (5,), "batch_shape": (2,)}
    assert tokens.label_map == {"mu": 0, "theta": 1, "obs": 2}
    assert tokens.key_order == ["mu", "theta", "obs"]


def test_a_view_shares_the_data_and_starts_at_zero(tokens):
    view = tokens.select_tokens(["theta", "obs"])
    assert isinstance(view, TokenView)
    assert view.parent is tokens
    assert list(view.selected_keys) == ["theta", "obs"]
    assert np.shares_memory(view.data, tokens.data)
    assert view.labels.shape == view.padding_mask.shape == (1, 10)
    assert view.self_attention_mask.shape == (10, 10)
    assert view.functional_inputs.shape == (1, 10, 2)
    assert view.slices["theta"]["offset"] == 0


def test_masks_follow_the_rules_given_either_way(tokens, simple_pytree):
    typed = Independence(**{name: tuple(rules) for name, rules in INDEPENDENCE.items()})
    again = Tokens.from_pytree(simple_pytree, typed)
    assert np.array_equal(again.self_attention_mask, tokens.self_attention_mask)
    cross = tokens.cross_attention_mask(query_keys=["theta"], key_keys=["obs"])
    assert np.array_equal(cross, np.eye(5))
    slices = tokens.slices
    assert np.array_equal(
        build_self_attention_mask(slices, INDEPENDENCE, selected_keys=["theta", "obs"]),
        tokens.select_tokens(["theta", "obs"]).self_attention_mask,
    )
    query, key = ({name: slices[name]} for name in ("theta", "obs"))
    assert np.array_equal(build_cross_attention_mask(query, key, INDEPENDENCE), cross)
    padding = build_padding_mask(slices, {"obs": np.array([[3]])}, selected_keys=["obs"])
    assert padding.tolist() == [[1, 1, 1, 0, 0]]


def test_values_are_replaced_and_decoded(tokens, simple_pytree):
    new = tokens.with_values(mu=np.zeros((1, 1, 1)), theta=np.full((1, 5, 1), 2.0))
    assert new.decode()["theta"].tolist() == np.full((1, 5, 1), 2.0).tolist()
    assert tokens.decode(new.data)["mu"].tolist() == [[[0.0]]]
    assert list(tokens.decode_keys(new.data, ["obs"])) == ["obs"]
    assert np.array_equal(tokens.decode()["mu"], simple_pytree["mu"])


def test_flat_arrays_go_there_and_back(simple_pytree):
    flat, slices = flatten_pytree(
        simple_pytree, sample_ndims=1, batch_ndims=1, pad_value=0.0, max_batch_size=2
    )
    changed = update_flat_array(flat, slices, key="mu", new_value=np.zeros((1, 1, 1)))
    found = decode_pytree(changed, slices, sample_shape=(1,), keys=["mu", "obs"])
    assert found["mu"].item() == 0
    assert np.array_equal(found["obs"], simple_pytree["obs"])
    inputs = flatten_functional_inputs({"mu": np.zeros((1, 1, 1))}, slices, 1, pad_value=-1e8)
    assert inputs.shape == (1, 11, 2)
    assert inputs[0, 1, 0] == np.float32(-1e8)


def prior(key, n):
    return {"theta": np.random.default_rng(key).normal(size=(n, 3, 1))}


def simulator(key, parameters):
    return {"obs": parameters["theta"] + 1}


def test_generator_and_static_dataset_draw_the_same():
    generator = TokenGenerator(
        prior_fn=prior,
        simulator_fn=simulator,
        functional_input_fn=None,
        independence={"local": ["obs"]},
        n_samples=8,
        batch_size=4,
        seed=0,
    )
    static = generate_static_dataset(
        key=0,
        prior_fn=prior,
        simulator_fn=simulator,
        functional_input_fn=None,
        independence={"local": ["obs"]},
        n_samples=8,
        batch_size=4,
    )
    assert len(generator) == 2
    assert np.array_equal(np.concatenate([batch.data for batch in generator]), static.data)


class Estimator:
    """Stands for the estimators of the document: which keys are predicted is said at call time."""

    def sample(self, tokens, target_keys, conditioning_keys):
        targets, given = tokens.select_tokens(target_keys), tokens.select_tokens(conditioning_keys)
        return targets.cross_attention_mask(given)


def test_targets_and_conditions_swap_at_call_time(tokens):
    forward = Estimator().sample(tokens, target_keys=["theta"], conditioning_keys=["obs"])
    backward = Estimator().sample(tokens, target_keys=["obs"], conditioning_keys=["theta"])
    assert np.array_equal(forward, backward.T)


def test_errors_say_what_the_document_says(tokens, simple_pytree):
    five, ten = (
        {"obs": {"offset": 0, "event_shape": (5,)}},
        {"theta": {"offset": 0, "event_shape": (10,)}},
    )
    with pytest.raises(
        ValueError,
        match="Cannot apply cross_local independence: dimension 0 of 'theta' has size 10"
        " but dimension 0 of 'obs' has size 5",
    ):
        build_cross_attention_mask(ten, five, {"cross_local": [("theta", "obs", (0, 0))]})
    with pytest.raises(ValueError, match="Functional input 'obs' has shape .* but expected"):
        Tokens.from_pytree(simple_pytree, functional_inputs={"obs": np.zeros((1, 7, 1))})
    with pytest.raises(UnknownKey, match=r"Key 'sigma' not found. Available keys: \['mu', 'theta'"):
        tokens.select_tokens(["sigma"])
    with pytest.raises(ValueError, match="Slice metadata specifies 11 tokens but flat array has 9"):
        decode_pytree(tokens.data[:, :9], tokens.slices)
    wide = {"a": np.ones((1, 2, 7)), "b": np.ones((1, 2, 2))}
    with pytest.warns(PaddingWarning, match="Batch size padding ratio is 3.5x"):
        flatten_pytree(wide)


def test_tokens_pass_through_jit(tokens):
    import jax

    total = jax.jit(lambda t: (t.self_attention_mask @ t.data).sum())(tokens)
    assert float(total) == pytest.approx(float((tokens.self_attention_mask @ tokens.data).sum()))
