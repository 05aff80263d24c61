from __future__ import annotations

import dataclasses
import json
import math
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, make_dataclass
from enum import Enum
from fractions import Fraction
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Annotated, Any, Literal, Optional, Union

import annotated_types as at
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenry_core import build_config, canonical_json, config_fields, with_doc
from tokenry_core._config import allowed, convert, plain
from tokenry_core.errors import ConfigError


@dataclass(frozen=True)
class Band:
    name: str
    width: Annotated[float, at.Gt(0)] = 1.0


@dataclass(frozen=True)
class Uniform:
    kind: Literal["uniform"]
    n_bins: Annotated[int, at.Ge(2)] = 16


@dataclass(frozen=True)
class Quantile:
    kind: Literal["quantile"]
    n_bins: Annotated[int, at.Ge(2)] = 16
    sample: int | None = None


@dataclass(frozen=True)
class Ordered:
    low: int = 0
    high: int = 1

    def __post_init__(self):
        if self.low >= self.high:
            raise ConfigError(f"low is {self.low}; it must be below high, {self.high}")


@dataclass(frozen=True)
class Everything:
    name: str = "x"
    flag: bool = False
    count: Annotated[int, at.Interval(ge=1, le=100)] = 1
    ratio: float = 0.5
    mode: Literal["fast", "slow", 3] = "fast"
    columns: Annotated[tuple[str, ...], at.Len(0, 5)] = ()
    size: tuple[int, float] = (1, 1.0)
    weights: Mapping[str, float] = field(default_factory=dict)
    bands: tuple[Band, ...] = ()
    binning: Uniform | Quantile | None = None
    limit: int | float | str | None = None
    many: str | tuple[str, ...] = ()
    anything: Any = None
    ordered: Ordered = field(default_factory=Ordered)
    deep: dict[str, tuple[dict[str, int], ...]] = field(default_factory=dict)


def message(hint, value, path="a.b"):
    with pytest.raises(ConfigError) as caught:
        convert(value, hint, path)
    return str(caught.value)


class TestWhatIsTaken:
    def test_lists_become_tuples_and_whole_numbers_floats(self):
        made = build_config(Everything, {"columns": ["g", "r"], "ratio": 1, "size": [2, 3]})
        assert made.columns == ("g", "r")
        assert made.size == (2, 3.0)
        assert type(made.ratio) is float
        assert type(made.size[1]) is float

    def test_dataclasses_are_made_all_the_way_down(self):
        made = build_config(Everything, {"bands": [{"name": "g"}, {"name": "r", "width": 2}]})
        assert made.bands == (Band("g", 1.0), Band("r", 2.0))

    def test_made_dataclass_is_taken_as_it_is(self):
        band = Band("g")
        assert build_config(Everything, {"bands": (band,)}).bands[0] is band

    def test_given_mapping_is_neither_kept_nor_changed(self):
        weights, given_ = {"g": 1}, {"weights": None}
        given_["weights"] = weights
        made = build_config(Everything, MappingProxyType(given_))
        weights["r"] = 2
        assert made.weights == {"g": 1.0}
        assert given_ == {"weights": {"g": 1, "r": 2}}

    @pytest.mark.parametrize(
        ("hint", "value", "expected"),
        [
            (int, np.int64(3), 3),
            (int, np.uint8(3), 3),
            (float, np.float32(0.5), 0.5),
            (float, np.int16(3), 3.0),
            (bool, np.bool_(True), True),
            (str, np.str_("text"), "text"),
            (Literal["a", 3], np.str_("a"), "a"),
            (Literal["a", 3], np.int8(3), 3),
            (int | float, np.float64(3), 3.0),
            (float | int, np.int64(3), 3),
            (Any, np.float64(0.5), 0.5),
        ],
    )
    def test_numpy_scalars_become_plain(self, hint, value, expected):
        found = convert(value, hint, "a")
        assert found == expected
        assert type(found) is type(expected)

    @pytest.mark.parametrize(
        ("hint", "value"),
        [
            (float | int, 3),
            (int | float, 3.0),
            (float | Annotated[int, at.Ge(0)], 3),
            (str | bool, True),
            (bool | str, "true"),
            (Optional[int], None),  # noqa: UP045
            (Union[str, int], 7),  # noqa: UP007
            (Literal[1] | str, "1"),
            (tuple[()], ()),
            (None, None),
            (tuple[int, ...] | tuple[str, ...], ("a",)),
        ],
    )
    def test_alternative_that_fits_exactly_is_taken(self, hint, value):
        found = convert(value, hint, "a")
        assert found == value
        assert type(found) is type(value)

    @pytest.mark.parametrize("value", [Path("a") / "b", PurePosixPath("a/b"), "a/b"])
    def test_paths_are_text(self, value):
        assert convert(value, str, "a") == str(Path("a/b"))
        assert type(convert(value, str, "a")) is str

    def test_member_of_a_text_enum_is_its_text(self):
        colour = Enum("Colour", {"RED": "red"}, type=str)
        assert convert(colour.RED, str, "a") == "red"
        assert type(convert(colour.RED, str, "a")) is str

    def test_fraction_is_a_number(self):
        assert convert(Fraction(1, 4), float, "a") == 0.25

    def test_union_takes_the_dataclass_that_the_tag_names(self):
        made = build_config(Everything, {"binning": {"kind": "quantile", "n_bins": 4}})
        assert made.binning == Quantile("quantile", 4)

    def test_field_that_is_computed_is_no_option(self):
        @dataclass(frozen=True)
        class Computed:
            n: int = 2
            square: int = field(init=False)

            def __post_init__(self):
                object.__setattr__(self, "square", self.n**2)

        made = build_config(Computed, {"n": 3})
        assert made.square == 9
        assert plain(made) == {"n": 3}
        with pytest.raises(ConfigError, match="square: unknown key; known keys are: n"):
            build_config(Computed, {"square": 4})


class TestErrors:
    def test_unknown_key_lists_the_known_ones_and_the_nearest(self):
        with pytest.raises(ConfigError) as caught:
            build_config(Band, {"name": "g", "with": 2}, "bands[3]")
        assert str(caught.value) == (
            'bands[3].with: unknown key; known keys are: name, width. Did you mean "width"?'
        )
        assert isinstance(caught.value, ValueError)

    def test_missing_key_says_what_to_give(self):
        with pytest.raises(ConfigError, match=r"^a\.name: missing; give a string$"):
            build_config(Band, {"width": 2}, "a")

    def test_without_a_path_the_key_alone_is_named(self):
        with pytest.raises(ConfigError, match=r"^name: missing; give a string$"):
            build_config(Band, {})

    @pytest.mark.parametrize("key", [1, None, ("a",), 1.5])
    def test_key_that_is_no_text_is_unknown(self, key):
        with pytest.raises(ConfigError, match="unknown key; known keys are: name, width"):
            build_config(Band, {"name": "g", key: 1})

    @pytest.mark.parametrize("given_", [None, [], "text", 3, [("name", "g")]])
    def test_what_is_no_mapping_is_refused(self, given_):
        with pytest.raises(ConfigError, match=r"a: .*; allowed is a mapping"):
            build_config(Band, given_, "a")

    @pytest.mark.parametrize(
        ("hint", "value", "expected"),
        [
            (int, "7", "a.b: '7' is a string; allowed is a whole number"),
            (int, 7.0, "a.b: 7.0 was given; allowed is a whole number"),
            (int, True, "a.b: True was given; allowed is a whole number"),
            (int, np.bool_(True), "a.b: True was given; allowed is a whole number"),
            (int, None, "a.b: null was given; allowed is a whole number"),
            (float, False, "a.b: False was given; allowed is a number"),
            (float, "1e-3", "a.b: '1e-3' is a string; allowed is a number"),
            (float, 1j, "a.b: 1j was given; allowed is a number"),
            (float, math.nan, "a.b: nan is not finite; allowed is a finite number"),
            (float, -math.inf, "a.b: -inf is not finite; allowed is a finite number"),
            (float, np.float32("nan"), "a.b: nan is not finite; allowed is a finite number"),
            (bool, 1, "a.b: 1 was given; allowed is true or false"),
            (bool, "on", "a.b: 'on' is a string; allowed is true or false"),
            (str, 3, "a.b: 3 was given; allowed is a string"),
            (str, b"x", "a.b: b'x' was given; allowed is a string"),
            (None, 0, "a.b: 0 was given; allowed is null"),
            (tuple[int, ...], 3, "a.b: 3 was given; allowed is a list of (a whole number)"),
            (tuple[int, ...], "ab", "a.b: 'ab' is a string; allowed is a list of (a whole number)"),
            (tuple[int, ...], [1, "2"], "a.b[1]: '2' is a string; allowed is a whole number"),
            (
                tuple[int, str],
                [1],
                "a.b: [1] is a list; allowed is a list of (a whole number), (a string)",
            ),
            (tuple[()], [1], "a.b: [1] is a list; allowed is a list of nothing"),
            (dict[str, int], {"x": "y"}, "a.b.x: 'y' is a string; allowed is a whole number"),
            (dict[str, int], {1: 2}, "a.b.1: 1 was given; allowed is a string"),
            (dict[str, int], [1], "a.b: [1] is a list; allowed is a mapping"),
            (
                Literal["fast", "slow"],
                "fats",
                'a.b: \'fats\' is a string; allowed is one of "fast", "slow". Did you mean "fast"?',
            ),
            (Literal[1, 2], True, "a.b: True was given; allowed is one of 1, 2"),
            (Literal[1, 2], 1.0, "a.b: 1.0 was given; allowed is one of 1, 2"),
            (int | None, "x", "a.b: 'x' is a string; allowed is a whole number or null"),
            (Band, 3, "a.b: 3 was given; allowed is a mapping with the keys name, width"),
            (
                Band | None,
                3,
                "a.b: 3 was given; allowed is a mapping with the keys name, width or null",
            ),
            (list[int], [1], "a.b: a Config cannot hold list[int]; declare tuple[...] instead"),
        ],
    )
    def test_wrong_value_gives_place_value_and_what_is_allowed(self, hint, value, expected):
        assert message(hint, value) == expected

    def test_number_too_large_for_a_float_is_not_finite(self):
        assert message(float, 10**400).endswith("is not finite; allowed is a finite number")

    @pytest.mark.parametrize(
        ("bound", "good", "bad", "words"),
        [
            (at.Gt(0), 1, 0, "a whole number above 0"),
            (at.Ge(0), 0, -1, "a whole number of at least 0"),
            (at.Lt(0), -1, 0, "a whole number below 0"),
            (at.Le(0), 0, 1, "a whole number of at most 0"),
            (at.MultipleOf(4), 8, 6, "a whole number that is a multiple of 4"),
            (at.Interval(ge=1, lt=9), 8, 9, "a whole number of at least 1 and below 9"),
        ],
    )
    def test_bounds_of_numbers(self, bound, good, bad, words):
        hint = Annotated[int, bound]
        assert convert(good, hint, "a.b") == good
        assert message(hint, bad) == f"a.b: {bad} was given; allowed is {words}"

    def test_bounds_of_lengths(self):
        hint = Annotated[tuple[int, ...], at.Len(1, 2)]
        assert convert([1, 2], hint, "a") == (1, 2)
        expected = (
            "allowed is a list of (a whole number) with at least 1 entries and with at most 2"
        )
        assert expected in message(hint, [])
        assert expected in message(hint, [1, 2, 3])

    def test_bounds_hold_inside_lists_mappings_and_unions(self):
        positive = Annotated[float, at.Gt(0)]
        assert message(tuple[positive, ...], [1, -1]).startswith("a.b[1]: -1 was given")
        assert message(dict[str, positive], {"x": 0}).startswith("a.b.x: 0 was given")
        assert message(positive | None, 0) == (
            "a.b: 0 was given; allowed is a number above 0 or null"
        )
        assert convert(None, Annotated[int | None, at.Ge(1)], "a") is None

    def test_rule_between_fields_is_told_with_the_place(self):
        with pytest.raises(ConfigError, match=r"^x\.ordered: low is 3; it must be below high, 1$"):
            build_config(Everything, {"ordered": {"low": 3}}, "x")

    def test_plain_value_error_of_an_author_is_told_with_the_place(self):
        @dataclass(frozen=True)
        class Rude:
            n: int = 0

            def __post_init__(self):
                if self.n:
                    raise ValueError("n is not zero")

        with pytest.raises(ConfigError, match=r"^a: n is not zero$"):
            build_config(Rude, {"n": 1}, "a")

    def test_error_deep_inside_names_every_step(self):
        given_ = {"deep": {"one": [{}, {"two": "2"}]}}
        with pytest.raises(ConfigError, match=r"^t\.c\.deep\.one\[1\]\.two: '2' is a string"):
            build_config(Everything, given_, "t.c")

    def test_long_value_is_cut(self):
        text = message(int, "x" * 10_000)
        assert len(text) < 150
        assert "…" in text

    def test_class_that_is_no_dataclass_is_told(self):
        with pytest.raises(ConfigError, match="dict is no dataclass; a Config is a frozen"):
            config_fields(dict)


class TestUnions:
    @pytest.mark.parametrize("path", ["", "a.b"])
    @pytest.mark.parametrize("hint", [Uniform | Quantile, Uniform | Quantile | None])
    def test_error_of_the_dataclass_that_the_tag_names_surfaces(self, hint, path):
        dot = f"{path}." if path else ""
        found = message(hint, {"kind": "quantile", "n_bins": 1}, path)
        assert found == f"{dot}n_bins: 1 was given; allowed is a whole number of at least 2"
        found = message(hint, {"kind": "uniform", "sample": 1}, path)
        assert found.startswith(f"{dot}sample: unknown key; known keys are: kind, n_bins")

    def test_error_of_the_dataclass_with_the_most_known_keys_surfaces(self):
        found = message(Band | Ordered, {"name": 3, "width": 2})
        assert found == "a.b.name: 3 was given; allowed is a string"

    @pytest.mark.parametrize("path", ["", "a.b"])
    def test_only_structured_alternative_tells_its_error(self, path):
        dot = f"{path}." if path else ""
        assert message(Band | None, {"name": "g", "width": 0}, path) == (
            f"{dot}width: 0 was given; allowed is a number above 0"
        )
        assert message(str | tuple[str, ...], ["g", 3], path).startswith(f"{path}[1]: 3 was given")

    def test_wrong_tag_lists_the_alternatives(self):
        found = message(Uniform | Quantile, {"kind": "other"})
        assert "a mapping with the keys kind, n_bins or a mapping with the keys kind" in found

    def test_rule_between_fields_surfaces(self):
        found = message(Ordered | None, {"low": 5})
        assert found == "a.b: low is 5; it must be below high, 1"


class TestWords:
    @pytest.mark.parametrize(
        ("hint", "words"),
        [
            (Annotated[int, at.Ge(0)], "a whole number of at least 0"),
            (Annotated[str, at.MinLen(1)], "a string with at least 1 entries"),
            (Annotated[tuple[int, ...], at.Len(0, 3)], "a list of (a whole number) with at most 3"),
            (int | None, "a whole number or null"),
            (Mapping[str, int], "a mapping"),
            (Any, "anything"),
            (Literal["a", None], 'one of "a", null'),
            (Uniform, "a mapping with the keys kind, n_bins"),
        ],
    )
    def test_every_type_has_words(self, hint, words):
        assert allowed(hint).startswith(words)

    def test_documented_field_carries_its_text(self):
        made = make_dataclass("Made", [("n", int, with_doc("how many", 3))], frozen=True)
        assert made().n == 3
        assert dataclasses.fields(made)[0].metadata["doc"] == "how many"


names = st.text(max_size=5)
finite = st.floats(allow_nan=False, allow_infinity=False)
numbers = st.integers(-(2**70), 2**70)
bands = st.builds(Band, names, finite.filter(lambda x: x > 0))
everything = st.builds(
    Everything,
    name=names,
    flag=st.booleans(),
    count=st.integers(1, 100),
    ratio=finite,
    mode=st.sampled_from(["fast", "slow", 3]),
    columns=st.lists(names, max_size=5).map(tuple),
    size=st.tuples(numbers, finite),
    weights=st.dictionaries(names, finite, max_size=3),
    bands=st.lists(bands, max_size=3).map(tuple),
    binning=st.none()
    | st.builds(Uniform, st.just("uniform"), st.integers(2, 9))
    | st.builds(Quantile, st.just("quantile"), st.integers(2, 9), st.none() | numbers),
    limit=st.none() | numbers | finite | names,
    many=names | st.lists(names, max_size=3).map(tuple),
    anything=st.recursive(
        st.none() | st.booleans() | numbers | finite | names,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=2),
        max_leaves=4,
    ),
    ordered=st.integers(-5, 5).map(lambda low: Ordered(low, low + 1)),
    deep=st.dictionaries(
        names,
        st.lists(st.dictionaries(names, numbers, max_size=2), max_size=2).map(tuple),
        max_size=2,
    ),
)


class TestRoundTrip:
    @given(everything)
    def test_plain_and_built_again_is_the_same(self, config):
        again = build_config(Everything, plain(config))
        assert again == config
        assert canonical_json(again) == canonical_json(config)

    @given(everything)
    def test_what_json_carried_is_the_same(self, config):
        text = canonical_json(config)
        again = build_config(Everything, json.loads(text))
        assert again == config
        assert canonical_json(again) == text
        assert repr(again.limit) == repr(config.limit)  # 3 and 3.0 are equal, and not the same

    @given(st.dictionaries(names, numbers | finite | names), st.randoms())
    def test_order_of_keys_does_not_show(self, values, random):
        keys = list(values)
        random.shuffle(keys)
        assert canonical_json({key: values[key] for key in keys}) == canonical_json(values)

    @given(
        st.sampled_from([int, float, bool, str, int | None, tuple[int, ...], Literal["a"], Band]),
        st.recursive(
            st.none() | st.booleans() | numbers | st.floats() | names | st.binary(max_size=3),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
            max_leaves=5,
        ),
    )
    def test_any_value_is_taken_or_refused_with_its_place(self, hint, value):
        try:
            found = convert(value, hint, "the.place")
        except ConfigError:
            assert message(hint, value, "the.place").startswith("the.place")
        else:
            assert convert(plain(found), hint, "again") == found


class TestCanonicalJson:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ({"b": 1, "a": 2}, '{"a":2,"b":1}'),
            ((1, 2.0, 1e-7, 1e22, -0.0), "[1,2.0,1e-07,1e+22,-0.0]"),
            ("é\u2028\U0001f600", '"\\u00e9\\u2028\\ud83d\\ude00"'),
            (Band("g"), '{"name":"g","width":1.0}'),
            (
                {"p": Path("a/b"), "n": np.int64(3), "f": np.float32(0.5)},
                '{"f":0.5,"n":3,"p":"a/b"}',
            ),
            ({1: None, "x": True}, '{"1":null,"x":true}'),
        ],
    )
    def test_text_is_the_one_it_always_was(self, value, text):
        assert canonical_json(value) == text

    @pytest.mark.parametrize("value", [math.nan, math.inf, {1, 2}, object(), b"x", np.zeros(2)])
    def test_what_json_cannot_hold_is_refused(self, value):
        with pytest.raises(ConfigError, match="cannot be stored as JSON"):
            canonical_json({"x": value})

    def test_other_hash_seeds_give_the_same_text(self):
        code = (
            "from tokenry_core import canonical_json\n"
            "print(canonical_json({k: {k + 'x': [k]} for k in set('abcdefgh')}))"
        )
        texts = {
            subprocess.run(
                [sys.executable, "-c", code],
                env={"PYTHONHASHSEED": seed},
                capture_output=True,
                check=True,
            ).stdout
            for seed in ("1", "2")
        }
        assert len(texts) == 1
