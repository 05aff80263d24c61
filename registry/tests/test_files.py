import json

import pytest

from tokenry.config import read_file
from tokenry.config._yaml import parse_yaml
from tokenry_core.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 1e5),
        (".5", 0.5),
        ("5.", 5.0),
        ("-1.5e+3", -1500.0),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("true", True),
        ("on", "on"),
        ("no", "no"),
        ("Y", "Y"),
        ("N", "N"),
        ("12:30:45", "12:30:45"),
        ("2024-01-01", "2024-01-01"),
        ("1_000", "1_000"),
        ("~", None),
        ("", None),
        ("'7'", "7"),
        ("[1, 2]", [1, 2]),
        ("=", "="),
        ("1.2.3", "1.2.3"),
    ],
)
def test_yaml_means_what_users_mean(text, value):
    found = parse_yaml(text)
    assert found == value
    assert type(found) is type(value)


def test_yaml_merges_and_aliases_work():
    text = "base: &b {a: 1, c: 2}\nother: {<<: *b, c: 3}\nlist: [*b, *b]"
    assert parse_yaml(text)["other"] == {"a": 1, "c": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", 'line 3, column 1: the key "a" stands twice'),
        ("a: !!python/object/apply:os.system ['touch x']", "line 1, column 4: the tag"),
        ("a: !custom 1", 'the tag "!custom" is not allowed'),
        ("a: !!timestamp 2024-01-01", "the tag"),
        ("a: !!binary aGk=", "the tag"),
        ("a: [1, 2", "line 1, column 9"),
        ("a: 1\n\tb: 2", "line 2"),
        ("a: *nowhere", "undefined alias"),
        ("a: 1\n---\nb: 2", "expected a single document|line 2"),
        ("[" * 5000, "not YAML|nested"),
    ],
    ids=range(10),
)
def test_yaml_that_is_refused_says_where(tmp_path, text, message):
    (tmp_path / "run.yaml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_file(tmp_path / "run.yaml")
    assert not (tmp_path / "x").exists()


def test_aliases_cannot_blow_up(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    (tmp_path / "run.yaml").write_text("\n".join(lines))
    with pytest.raises(ConfigError, match="more than 100000 values"):
        read_file(tmp_path / "run.yaml")


def test_mapping_that_contains_itself_is_refused(tmp_path):
    (tmp_path / "run.yaml").write_text("a: &a {b: *a}")
    with pytest.raises(ConfigError, match="a: it contains itself|contains itself"):
        read_file(tmp_path / "run.yaml")


def test_keys_are_text(tmp_path):
    (tmp_path / "run.yaml").write_text("tokenizers: {1: {name: scalar}}")
    with pytest.raises(ConfigError, match="tokenizers: the key 1 is no text; quote it"):
        read_file(tmp_path / "run.yaml")


@pytest.mark.parametrize("suffix", [".yaml", ".yml", ".json", ".toml"])
def test_all_languages_give_the_same(tmp_path, suffix):
    data = {"tokenizers": {"a": {"n_bins": 7, "scalar_columns": ["x", "y"]}}, "on_error": "fail"}
    text = json.dumps(data)
    if suffix == ".toml":
        text = 'on_error = "fail"\n[tokenizers.a]\nn_bins = 7\nscalar_columns = ["x", "y"]\n'
    (tmp_path / f"run{suffix}").write_text(text)
    assert read_file(tmp_path / f"run{suffix}") == data


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("run.json", '{"a": 1, "a": 2}', 'the key "a" stands twice'),
        ("run.json", "{", "not JSON"),
        ("run.toml", "a = ", "not TOML"),
        ("run.yaml", "[1, 2]", "it holds a list; a run file holds a mapping"),
        ("run.yaml", "", "it holds nothing"),
        ("run.ini", "", "allowed are files ending in .yaml, .yml, .toml, .json"),
    ],
)
def test_files_that_are_refused_are_named(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        read_file(tmp_path / name)
    assert name in str(caught.value)


def test_absent_and_binary_files_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_file(tmp_path / "run.yaml")
    (tmp_path / "run.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not text in UTF-8"):
        read_file(tmp_path / "run.yaml")
