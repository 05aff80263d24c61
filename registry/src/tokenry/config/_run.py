"""The run file: what it may say, and what it says once checked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from tokenry_core._config import build_config, plain, with_doc
from tokenry_core._policy import configure_plugins
from tokenry_core._runtime import Runtime
from tokenry_core.errors import ConfigError, TokenryError

from ..registry import PluginRegistry, engines, sinks, sources, tokenizers
from ._choice import Choice, Section
from ._files import read_file
from ._where import Where

__all__ = ["PluginsConfig", "RunConfig", "RunFile", "TrainingConfig", "load_config"]


@dataclass(frozen=True)
class PluginsConfig:
    """Which plugins take part."""

    disable: tuple[str, ...] = with_doc("distributions or names to block; `*`: all but ours", ())
    choose: Mapping[str, str] = field(
        default_factory=dict,
        metadata={"doc": "the distribution that a name stands for, where several claim it"},
    )


@dataclass(frozen=True)
class TrainingConfig:
    """What tokenizers are trained on."""

    source: Mapping[str, Any] | None = with_doc("like `source`; default: the source", None)
    seed: int = with_doc("of samples and of training loops", 0)


@dataclass(frozen=True)
class RunFile:
    """A run file as it is written: sections of plugins are still plain."""

    tokenizers: Mapping[str, Mapping[str, Any]] = with_doc(
        "by a key of your own: {name: PLUGIN, options}, or {artifact: FILE}"
    )
    source: Mapping[str, Any] | None = with_doc("{name: PLUGIN, options, where: FILTER}", None)
    training: TrainingConfig = with_doc("what to train on, and with which seed", TrainingConfig())
    artifacts: str = with_doc("folder of trained tokenizers: KEY.safetensors", "artifacts")
    sink: Mapping[str, Any] = field(
        default_factory=lambda: {"name": "parquet", "path": "tokens"},
        metadata={"doc": "{name: PLUGIN, options}"},
    )
    engine: str | Mapping[str, Any] = with_doc("a name, or {name: PLUGIN, options}", "local")
    runtime: Runtime = with_doc("where and how fast to work", Runtime())
    on_error: Literal["quarantine", "fail"] = with_doc(
        "what a fragment that fails does", "quarantine"
    )
    bad_rows: Literal["drop", "missing"] = with_doc(
        "a row that a tokenizer cannot encode leaves the run, or is missing in its fields", "drop"
    )
    plugins: PluginsConfig = with_doc("which plugins take part", PluginsConfig())
    data: Mapping[str, Any] = field(
        default_factory=dict, metadata={"doc": "values of your own; nothing reads them"}
    )


@dataclass(frozen=True)
class RunConfig:
    """A checked run file: `config.tokenizers.catalog.n_bins` is a number.

    `folder` is where the file stands; relative paths of `artifacts` are meant from the working
    directory, as everywhere else.
    """

    tokenizers: Section
    source: Choice | None
    training_source: Choice | None
    seed: int
    artifacts: str
    sink: Choice
    engine: Choice
    runtime: Runtime
    on_error: str
    bad_rows: str
    data: Section
    raw: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), repr=False)


def load_config(run: str | os.PathLike[str] | Mapping[str, Any] | RunConfig) -> RunConfig:
    """Give the checked run of a YAML, TOML or JSON file, or of a mapping."""
    if isinstance(run, RunConfig):
        return run
    if isinstance(run, Mapping):
        return _checked(plain(run))
    try:
        return _checked(read_file(run))
    except ConfigError as error:
        name = os.fspath(run)
        if str(error).startswith((f"{name}:", f'"{name}"')):
            raise
        raise ConfigError(f"{name}: {error}") from None


def _checked(raw: Mapping[str, Any]) -> RunConfig:
    file = build_config(RunFile, raw)
    if not file.tokenizers:
        raise ConfigError("tokenizers: none was given; give at least one")
    configure_plugins(file.plugins.disable, file.plugins.choose)
    source = _plugin(sources, file.source, "source", filtered=True)
    training = _plugin(sources, file.training.source, "training.source", filtered=True)
    engine = {"name": file.engine} if isinstance(file.engine, str) else file.engine
    return RunConfig(
        tokenizers=Section({key: _tokenizer(key, given) for key, given in file.tokenizers.items()}),
        source=source,
        training_source=training or source,
        seed=file.training.seed,
        artifacts=os.path.expanduser(file.artifacts),
        sink=_require(_plugin(sinks, _at_home(file.sink, "path"), "sink")),
        engine=_require(_plugin(engines, engine, "engine")),
        runtime=file.runtime,
        on_error=file.on_error,
        bad_rows=file.bad_rows,
        data=Section(file.data),
        raw=MappingProxyType(dict(raw)),
    )


def _tokenizer(key: str, given: Mapping[str, Any]) -> Choice:
    path = f"tokenizers.{key}"
    if not key.isidentifier():
        raise ConfigError(f"{path}: a key becomes part of column names; use letters, digits and _")
    if "artifact" in given:
        if len(given) > 1 or not isinstance(given["artifact"], str):
            raise ConfigError(
                f"{path}: an artifact holds every option; give {{artifact: FILE}} alone"
            )
        artifact = os.path.expanduser(given["artifact"])
        return Choice("artifact", None, {}, {}, artifact=artifact, place=path)
    # A key that is a plugin's name needs no name of its own.
    return _require(_plugin(tokenizers, {"name": key, **given}, path))


def _at_home(given: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Let `~` be the user's folder, as it is in every path of a source."""
    path = given.get(key)
    return {**given, key: os.path.expanduser(path)} if isinstance(path, str) else given


def _plugin(
    registry: PluginRegistry, given: Mapping[str, Any] | None, path: str, filtered: bool = False
) -> Choice | None:
    if given is None:
        return None
    options = dict(given)
    where = options.pop("where", None) if filtered else None
    if where is not None and not isinstance(where, str):
        raise ConfigError(f'{path}.where: {where!r} was given; allowed is a text like "mag_r < 22"')
    try:
        cls, config = registry.checked(options, path)
    except ConfigError:
        raise
    except TokenryError as error:  # an unknown, disputed or broken plugin
        raise ConfigError(str(error)) from error
    condition = Where(where, f"{path}.where") if where is not None else None
    return Choice(options.pop("name"), cls, config, options, condition, place=path)


def _require(choice: Choice | None) -> Choice:
    assert choice is not None
    return choice
