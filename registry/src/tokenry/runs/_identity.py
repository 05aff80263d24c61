"""What makes one run the same as another, and what a shard says of its origin."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from tokenry_core import DataSource
from tokenry_core._config import plain

from ..config import Choice, RunConfig
from ._join import field_names
from ._task import Job
from ._tokenizers import TokenizerRef

__all__ = ["fragments_of", "identity_of", "provenance_of"]


def fragments_of(source: DataSource) -> list[Job]:
    """Give the fragments, each with the stem of the shard that it becomes."""
    return [Job(f"part-{i:06d}", fragment) for i, fragment in enumerate(source.fragments())]


def identity_of(
    config: RunConfig, refs: Sequence[TokenizerRef], jobs: Sequence[Job]
) -> dict[str, Any]:
    """Give all that decides the bytes of a run; folders and speed do not."""
    assert config.source is not None
    where, total = config.source.where, hashlib.sha256()
    for job in jobs:
        total.update(f"{job.fragment.id}\0{job.fragment.digest}\n".encode())
    return {
        "format": 1,
        "tokenizers": {ref.key: dict(ref.identity) for ref in refs},
        "source": {
            **_options(config.source),
            "name": config.source.name,
            "where": where.text if where else None,
        },
        "input": {"fragments": len(jobs), "sha256": total.hexdigest()},
        "sink": {**_options(config.sink), "name": config.sink.name},
        "batch_rows": config.runtime.batch_rows,
        "bad_rows": config.bad_rows,
    }


def _options(choice: Choice) -> dict[str, Any]:
    """Give the options that decide the output: a path does so by what lies there."""
    if isinstance(choice.config, Mapping):  # keywords from Python, tables among them
        return {}
    return {key: value for key, value in plain(choice.config).items() if key != "path"}


def provenance_of(refs: Sequence[TokenizerRef]) -> Mapping[str, Any]:
    """Give what every shard says: its tokenizers, their vocabularies, which field is whose."""
    from tokenry_core import __version__

    specs = {ref.key: ref.get().spec for ref in refs}
    names = field_names(specs)
    tokenizers = {
        ref.key: {
            **ref.identity,
            "fields": {
                names[ref.key][field.name]: {"kind": field.kind, "codes": field.codes}
                for field in specs[ref.key].fields
            },
        }
        for ref in refs
    }
    return {"tokenizers": tokenizers, "versions": {"tokenry-core": __version__}}
