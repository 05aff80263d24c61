"""The tokenizers of a run: where they come from, and one copy of each in every worker."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from tokenry_core import BaseTokenizer, Runtime, config_fields, read_header
from tokenry_core._words import placed
from tokenry_core.errors import ArtifactError, ConfigError

from ..config import Choice, RunConfig
from ..registry import load

__all__ = ["TokenizerRef", "artifact_path", "seeded", "tokenizers_of"]

_here: dict[tuple[str, str], BaseTokenizer[Any]] = {}


@dataclass(frozen=True)
class TokenizerRef:
    """One tokenizer of a run, small to send: a worker makes it once and keeps it."""

    key: str
    name: str
    fingerprint: str
    runtime: Runtime
    artifact: str | None = None
    choice: Choice | None = None

    def get(self) -> BaseTokenizer[Any]:
        """Give the tokenizer, made at most once in each process."""
        place = (self.fingerprint, repr(self.runtime))
        if place not in _here:
            _here[place] = self._make()
        return _here[place]

    @cached_property
    def identity(self) -> Mapping[str, Any]:
        """What a manifest remembers of the tokenizer."""
        return {"name": self.name, "fingerprint": self.fingerprint}

    def _make(self) -> BaseTokenizer[Any]:
        if self.artifact is None:
            assert self.choice is not None
            tokenizer: BaseTokenizer[Any] = self.choice.make()
            tokenizer.runtime = self.runtime
            return tokenizer
        tokenizer = load(self.artifact, **asdict(self.runtime))
        if tokenizer.fingerprint != self.fingerprint:
            raise ArtifactError(
                f"{self.artifact}: it changed while the run was going on; start the run anew"
            )
        return tokenizer


def artifact_path(config: RunConfig, key: str) -> Path:
    """Give where a run's tokenizer is written by training and read by encoding."""
    return Path(config.artifacts, f"{key}.safetensors")


def tokenizers_of(config: RunConfig) -> list[TokenizerRef]:
    """Give the tokenizers that a run encodes with, in the order of the file."""
    return [_ref(config, key, choice) for key, choice in config.tokenizers.items()]


def _ref(config: RunConfig, key: str, choice: Choice) -> TokenizerRef:
    # Threads are fixed here and not by the number of workers, which must not change a byte.
    runtime = Runtime(**{**asdict(config.runtime), "threads": config.runtime.threads or 1})
    choice = seeded(choice, config.seed)
    path = Path(choice.artifact) if choice.artifact else artifact_path(config, key)
    if choice.artifact is None:
        tokenizer = choice.make()
        if tokenizer.is_fitted:
            return TokenizerRef(key, tokenizer.name, tokenizer.fingerprint, runtime, choice=choice)
        if not os.path.exists(path):
            raise ConfigError(
                f"tokenizers.{key}: it is not trained: there is no {path}; run `tokenry train` with"
                " this file first, or name a trained one: {artifact: FILE}"
            )
    if not os.path.exists(path):  # which also answers for a name that no file can have
        raise ConfigError(f"tokenizers.{key}.artifact: {path} does not exist; name a trained one")
    with placed(f"tokenizers.{key}.artifact" if choice.artifact else f"tokenizers.{key}"):
        header = read_header(path)
    if choice.artifact is None:
        _same_options(path, key, choice, header.config)
    return TokenizerRef(key, header.plugin, header.fingerprint, runtime, artifact=os.fspath(path))


def seeded(choice: Choice, seed: int) -> Choice:
    """Give a tokenizer that has a seed, and was not given one, the seed of the run."""
    if choice.artifact is not None:
        return choice
    if "rng_seed" not in config_fields(choice.cls.Config) or "rng_seed" in choice.options:
        return choice
    return replace(choice, config=replace(choice.config, rng_seed=seed))


def _same_options(path: Path, key: str, choice: Choice, stored: Mapping[str, Any]) -> None:
    """The file may have been edited since training: say so rather than use old options."""
    from tokenry_core._config import plain

    now = plain(choice.config)
    differing = sorted(name for name in stored if name in now and now[name] != stored[name])
    if differing:
        what = ", ".join(
            f"{n} is {now[n]!r:.40} (trained with {stored[n]!r:.40})" for n in differing
        )
        raise ConfigError(
            f"tokenizers.{key}: {path} was trained with other options: {what}; train again, or"
            " put the options back"
        )
