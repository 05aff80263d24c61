import pytest

from tokenry_core.errors import ConfigError
from tokenry_core.tokens import Independence, Tokens, UnknownKey


def test_a_dictionary_and_the_typed_form_are_equal(hierarchical_independence):
    typed = Independence(
        local=("obs", "theta"),
        cross=(("mu", "obs"), ("obs", "mu")),
        cross_local=(("theta", "obs", (0, 0)),),
    )
    assert Independence.of(hierarchical_independence) == typed
    assert hash(Independence.of(hierarchical_independence)) == hash(typed)


def test_lists_in_the_typed_form_are_kept_as_tuples():
    rules = Independence(local=["a"], cross=[["a", "b"]], cross_local=[["a", "b", [0, 1]]])
    assert rules == Independence(("a",), (("a", "b"),), (("a", "b", (0, 1)),))
    assert {rules}


def test_both_forms_give_the_same_mask(hierarchy, hierarchical_independence):
    typed = Independence.of(hierarchical_independence)
    masks = [
        Tokens.from_pytree(hierarchy, rules).self_attention_mask
        for rules in (hierarchical_independence, typed)
    ]
    assert (masks[0] == masks[1]).all()


def test_nothing_is_independent_by_default(hierarchy):
    for rules in (None, {}, Independence()):
        assert Tokens.from_pytree(hierarchy, rules).self_attention_mask.all()


def test_an_unknown_kind_of_rule_names_the_nearest():
    with pytest.raises(ConfigError, match=r"independence has 'locals'; .*Did you mean \"local\""):
        Independence.of({"locals": ["a"]})


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"cross": [("a",)]}, "a pair of keys"),
        ({"cross": ["ab"]}, "a pair of keys"),
        ({"cross_local": [("a", "b")]}, r"\(A, B, map\)"),
        ({"cross_local": [("a", "b", (0,))]}, r"None or \(i, j\)"),
        ({"local": [1]}, "keys are text"),
        (["a"], "give a mapping"),
    ],
)
def test_rules_of_another_form_are_refused(rules, message):
    with pytest.raises(ConfigError, match=message):
        Independence.of(rules)


def test_a_rule_about_an_unknown_key_is_refused(hierarchy):
    message = r"Key 'thets' not found. Available keys: .*Did you mean \"theta\""
    with pytest.raises(UnknownKey, match=message):
        Tokens.from_pytree(hierarchy, {"local": ["thets"]})


def test_among_keeps_the_rules_of_some_keys(hierarchy, hierarchical_independence):
    part = {key: hierarchy[key] for key in ("mu", "theta")}
    rules = Independence.of(hierarchical_independence).among(part)
    assert rules == Independence(local=("theta",))
    Tokens.from_pytree(part, rules)
