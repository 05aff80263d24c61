"""The five registries, by name."""

import pytest

import tokenry
from tokenry.config import Choice, RunConfig, Section, load_config
from tokenry.registry import PluginRegistry, registries
from tokenry.runs import LocalConfig
from tokenry_core.errors import ConfigError


def test_there_are_five_and_each_is_a_name_of_the_package():
    assert list(registries) == ["tokenizers", "sources", "models", "sinks", "engines"]
    assert all(isinstance(found, PluginRegistry) for found in registries.values())
    assert registries["sinks"] is tokenry.sinks
    assert registries["engines"] is tokenry.engines


def test_an_instance_is_made_by_name(tmp_path):
    engine = tokenry.engines.create("local", workers=3, mode="threads")
    assert engine.config == LocalConfig(workers=3, mode="threads")
    sink = tokenry.sinks.from_config({"name": "parquet", "path": str(tmp_path)})
    assert sink.config.path == str(tmp_path)
    with pytest.raises(ConfigError, match="workers"):
        tokenry.engines.create("local", workers=0)


def test_a_checked_run_says_what_was_chosen():
    run = load_config({"tokenizers": {"catalog": {"name": "scalar", "n_bins": 8}}})
    assert isinstance(run, RunConfig)
    assert isinstance(run.tokenizers, Section)
    assert isinstance(run.tokenizers.catalog, Choice)
    assert (run.tokenizers.catalog.name, run.tokenizers.catalog.n_bins) == ("scalar", 8)
