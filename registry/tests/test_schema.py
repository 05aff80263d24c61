"""The schema allows what the run file's check allows, and nothing else."""

import copy
from functools import cache

import jsonschema
import pytest

import tokenry
from tokenry.config import run_schema
from tokenry_core.errors import TokenryError

RUN = {
    "source": {"name": "parquet", "path": ["a", "b"], "id": None, "where": "x < 1"},
    "training": {"source": {"name": "jsonl", "path": "a"}, "seed": 3},
    "tokenizers": {
        "scalar": {"n_bins": 64},
        "xp": {"name": "scalar", "scalar_columns": ["a", "b"], "mag_min": 3},
    },
    "sink": {"name": "parquet", "path": "x", "compression": "zstd"},
    "engine": {"name": "local", "workers": 3},
    "runtime": {"device": "cpu", "threads": None},
    "on_error": "fail",
}


@cache
def validator():
    schema = run_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def allowed(run) -> bool:
    try:
        tokenry.load_config(run)
    except TokenryError:
        return False
    return True


def places(data, path=()):
    yield path
    if isinstance(data, dict):
        for key, value in data.items():
            yield from places(value, (*path, key))


def change(run, path, value):
    run = copy.deepcopy(run)
    place = run
    for key in path[:-1]:
        place = place[key]
    if value is REMOVED:
        place.pop(path[-1], None)
    else:
        place[path[-1]] = copy.deepcopy(value)
    return run


REMOVED = object()
PLACES = [path for path in places(RUN) if path]
PLACES += [(*path[:-1], "no_such_key") for path in PLACES]
JUNK = [REMOVED, None, True, 0, 1, -1, 2.5, "", "x", [], ["x"], {}, {"x": 1}]


def test_valid_run_file_is_valid():
    assert allowed(RUN)
    assert validator().is_valid(RUN)


@pytest.mark.parametrize("path", sorted({*PLACES}), ids=".".join)
def test_schema_and_check_agree(path):
    for value in JUNK:
        run = change(RUN, path, value)
        if allowed(run):
            assert validator().is_valid(run), list(validator().iter_errors(run))[:1]
        elif validator().is_valid(run):
            # What only a plugin can know (rules between fields, conditions) is beyond a schema.
            assert beyond_schema(run), (path, value)


def beyond_schema(run) -> bool:
    """Keys that are no names of plugins, and rules that a plugin checks itself."""
    keys = run.get("tokenizers", {})
    return any(
        not key.isidentifier() or "name" not in {"name": key, **options} or breaks_a_rule(options)
        for key, options in keys.items()
    ) or run.get("source", {}).get("where") in ("", "x")


def breaks_a_rule(options) -> bool:
    try:
        tokenry.tokenizers.from_config({"name": "scalar", **options})
    except TokenryError:
        return True
    return False
