"""Tokens under jit, vmap and grad; registration whichever of the two comes first."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tokenry_core.errors import ShapeError
from tokenry_core.tokens import Ragged, Tokens, TokenView, flatten_pytree


@pytest.fixture
def tokens(hierarchy, hierarchical_independence):
    data = {key: jnp.asarray(value) for key, value in hierarchy.items()}
    inputs = {"obs": jnp.zeros((4, 5, 3, 1))}
    return Tokens.from_pytree(data, hierarchical_independence, functional_inputs=inputs)


def attend(tokens: Tokens) -> jax.Array:
    """Average the tokens that each may attend to: uses data and mask."""
    mask = tokens.self_attention_mask
    return mask @ tokens.data / mask.sum(-1, keepdims=True)


def test_arrays_are_leaves_and_masks_never_are(tokens):
    assert [leaf.shape for leaf in jax.tree.leaves(tokens)] == [(4, 21, 1), (4, 21, 1)]
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(tokens)]
    assert paths == [".data", ".functional_inputs"]


def test_what_is_static_is_hashable_and_equal_by_value(hierarchy, hierarchical_independence):
    one, other = (
        jax.tree.structure(Tokens.from_pytree(hierarchy, hierarchical_independence))
        for _ in range(2)
    )
    assert one == other
    assert hash(one) == hash(other)
    assert one != jax.tree.structure(Tokens.from_pytree(hierarchy))


def test_jit_gives_what_it_gives_without(tokens):
    np.testing.assert_allclose(jax.jit(attend)(tokens), attend(tokens), rtol=1e-6)


def test_jit_takes_numpy_tokens_and_gives_tokens(hierarchy, hierarchical_independence):
    plain = Tokens.from_pytree(hierarchy, hierarchical_independence)
    doubled = jax.jit(lambda t: t.with_values(mu=t.decode()["mu"] * 2))(plain)
    assert isinstance(doubled, Tokens)
    assert doubled.key_order == ["mu", "theta", "obs"]
    np.testing.assert_allclose(doubled.decode()["mu"], hierarchy["mu"] * 2)
    np.testing.assert_array_equal(doubled.self_attention_mask, plain.self_attention_mask)


def test_one_structure_is_traced_once(hierarchy, hierarchical_independence):
    traces = []

    @jax.jit
    def step(tokens):
        traces.append(tokens.layout)
        return attend(tokens).sum()

    for factor in range(5):
        data = {key: value * factor for key, value in hierarchy.items()}
        step(Tokens.from_pytree(data, dict(hierarchical_independence)))
    assert len(traces) == 1
    step(Tokens.from_pytree(hierarchy))
    assert len(traces) == 2


def test_vmap_takes_one_sample_at_a_time(tokens):
    def one(sample):
        assert sample.sample_shape == ()
        assert sample.labels.shape == sample.padding_mask.shape == (21,)
        theta = sample.select_tokens(["theta"]).decode()["theta"]
        assert theta.shape == (5, 1)
        return attend(sample)

    np.testing.assert_allclose(jax.vmap(one)(tokens), attend(tokens), rtol=1e-6)


def test_grad_over_tokens_is_tokens(tokens):
    gradient = jax.grad(lambda t: (t.select_tokens(["theta"]).data ** 2).sum() / 2)(tokens)
    assert isinstance(gradient, Tokens)
    decoded = gradient.decode()
    np.testing.assert_allclose(decoded["theta"], tokens.decode()["theta"])
    assert not decoded["mu"].any()


def test_everything_works_inside_jit(tokens, hierarchy):
    @jax.jit
    def whole(data):
        inner = Tokens.from_pytree(
            data,
            {"cross_local": [("theta", "obs", (0, 0))]},
            functional_inputs={"mu": data["mu"]},
            key_order=["mu", "theta", "obs"],
        )
        view = inner.select_tokens(["obs", "mu"])
        scores = inner.attention_mask(padding=True).sum() + view.self_attention_mask.sum()
        named = inner.condition(["mu"]).sum() + view.labels.sum() + inner.positions.sum()
        index = jnp.arange(21)
        allowed = inner.mask_function()(0, 0, index[:, None], index[None, :]).sum()
        return scores + named + allowed + view.functional_inputs.max(), inner

    value, inner = whole(hierarchy)
    assert jnp.isfinite(value)
    np.testing.assert_array_equal(inner.data, tokens.data)


def test_a_dict_that_enters_jit_has_sorted_keys_unless_ordered(hierarchy):
    from collections import OrderedDict

    def order(data, key_order=None):
        layouts = []
        jax.jit(lambda d: layouts.append(Tokens.from_pytree(d, key_order=key_order).layout))(data)
        return list(layouts[0].keys)

    assert Tokens.from_pytree(hierarchy).key_order == ["mu", "theta", "obs"]
    assert order(hierarchy) == order(dict(reversed(hierarchy.items()))) == ["mu", "obs", "theta"]
    assert order(hierarchy, ["mu", "theta", "obs"]) == ["mu", "theta", "obs"]
    assert order(OrderedDict(hierarchy)) == ["mu", "theta", "obs"]


def test_tokens_made_outside_keep_their_order_inside(tokens):
    assert jax.jit(lambda t: t)(tokens).key_order == ["mu", "theta", "obs"]


def test_a_view_is_a_pytree_too(tokens):
    view = tokens.select_tokens(["obs", "mu"])
    out = jax.jit(lambda v: v)(view)
    assert isinstance(out, TokenView)
    np.testing.assert_array_equal(out.data, view.data)
    np.testing.assert_allclose(jax.jit(lambda v: v.data.sum())(view), view.data.sum(), rtol=1e-6)


def test_a_view_remembers_no_tracer(tokens):
    view = tokens.select_tokens(["obs", "mu"])
    jax.jit(lambda x: view.data.sum() + view.self_attention_mask.sum() + view.labels.sum() + x)(1.0)
    assert not any(isinstance(value, jax.core.Tracer) for value in view._cache.values())
    assert float(view.data.sum()) == pytest.approx(
        float(tokens.select_tokens(["obs", "mu"]).data.sum())
    )


def test_numpy_tokens_take_traced_values(hierarchy):
    plain = Tokens.from_pytree(hierarchy)
    new = jax.jit(lambda mu: plain.with_values(mu=mu).data)(jnp.ones((4, 1, 1)))
    np.testing.assert_array_equal(new[:, 0], np.ones((4, 1)))


def test_ragged_lengths_are_leaves_and_their_mask_is_made_inside(hierarchy):
    rows = Ragged(np.arange(6.0), np.array([0, 1, 3, 3, 6]), size=4)
    tokens = Tokens.from_pytree({"mu": np.ones((4, 1)), "xp": rows}, batch_ndims=0)
    mask = jax.jit(lambda t: t.padding_mask)(tokens)
    np.testing.assert_array_equal(mask, tokens.padding_mask)
    one = jax.vmap(lambda t: t.padding_mask)(tokens)
    np.testing.assert_array_equal(one, tokens.padding_mask)


def test_ragged_rows_can_be_padded_inside_jit():
    @jax.jit
    def pad(values, indptr):
        return Tokens.from_pytree({"xp": Ragged(values, indptr, size=3)}, batch_ndims=0)

    tokens = pad(jnp.arange(1.0, 4.0), jnp.array([0, 1, 3]))
    np.testing.assert_array_equal(tokens.data[..., 0], [[1, 0, 0], [2, 3, 0]])
    np.testing.assert_array_equal(tokens.padding_mask, [[1, 0, 0], [1, 1, 0]])


DYNAMIC = "Dynamic shape detected in JIT context. Ensure all shapes are statically known."


@pytest.mark.parametrize(
    "use",
    [
        lambda x, n: Tokens.from_pytree({"a": x}, sample_ndims=n),
        lambda x, n: Tokens.from_pytree({"a": x}, batch_ndims={"a": n}),
        lambda x, n: flatten_pytree({"a": x}, n),
        lambda x, n: Tokens.from_pytree({"a": Ragged(x, jnp.stack([0, n]))}),
    ],
    ids=["sample_ndims", "batch_ndims", "flatten", "ragged without a size"],
)
def test_a_shape_that_depends_on_traced_values_is_refused(use):
    with pytest.raises(ShapeError, match=DYNAMIC):
        jax.jit(use)(jnp.ones((2, 3, 1)), 1)


SCRIPT = """
import sys
{first}
import numpy as np
from tokenry_core.tokens import Tokens
tokens = Tokens.from_pytree({{"a": np.ones((2, 3, 1), np.float32)}}, {{"local": ["a"]}})
assert {loaded}
{before}
import jax
{between}
total = jax.jit(lambda t: t.data.sum() + t.self_attention_mask.sum())(tokens)
assert float(total) == 6, total
assert jax.tree.leaves(tokens)[0] is tokens.data
"""


@pytest.mark.parametrize(
    "steps",
    [
        {"first": "import jax", "loaded": "True", "before": "", "between": ""},
        {"first": "", "loaded": "'jax' not in sys.modules", "before": "", "between": ""},
        {
            "first": "",
            "loaded": "'jax' not in sys.modules",
            "before": "import importlib.util; assert importlib.util.find_spec('jax')",
            "between": "assert len([f for f in sys.meta_path if 'tokenry' in str(f)]) == 0",
        },
    ],
    ids=["JAX first", "Tokens first", "Tokens first, then somebody looks for JAX"],
)
def test_tokens_enter_jit_whichever_was_imported_first(steps):
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT.format(**steps)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr


def test_importing_tokens_imports_no_backend():
    heavy = ("jax", "torch", "array_api_compat", "pyarrow", "numba", "scipy")
    script = f"import sys, tokenry_core.tokens; print([m for m in {heavy} if m in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120
    )
    assert run.stdout.strip() == "[]"
