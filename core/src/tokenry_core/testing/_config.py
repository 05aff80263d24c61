"""Checks of configurations, for everything that has a `Config`."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from tokenry_core import build_config, canonical_json, config_fields
from tokenry_core._config import plain
from tokenry_core.errors import ConfigError

from ._promises import expect, promised, raises, shown

__all__ = ["expect_documented", "expect_round_trip", "expect_strict"]


def expect_round_trip(cls: Any, config: Any) -> None:
    """Report a configuration that a file does not keep."""
    promise = "Config is a frozen dataclass of plain values: JSON keeps it as it is"
    frozen = getattr(getattr(cls, "__dataclass_params__", None), "frozen", False)
    expect(frozen, promise, f"{shown(cls)} is not frozen", "build_config")
    expect(isinstance(config, cls), promise, f"config is {shown(config)}", "build_config")
    with promised(promise, "build_config"):
        again = build_config(cls, json.loads(canonical_json(config)))
    expect(again == config, promise, f"{config} became {again}", "build_config")
    with promised("a configuration can be hashed", "build_config"):
        hash(config)


def expect_strict(cls: Any, config: Any) -> None:
    """Report a configuration that takes what it does not know."""
    promise = "an unknown key is a ConfigError that names it"
    with raises(ConfigError, promise, "build_config", naming=["no_such_option"]):
        build_config(cls, {**plain(config), "no_such_option": 1})


def expect_documented(cls: Any) -> None:
    """Report options without a documentation."""
    promise = 'every option says what it does: option: int = with_doc("what it does", default)'
    with promised(promise, "with_doc"):
        options = config_fields(cls)
    silent = [f.name for f in dataclasses.fields(cls) if f.name in options and not _doc(f)]
    expect(not silent, promise, f"no documentation of {', '.join(silent)}", "with_doc")


def _doc(field: Any) -> str:
    return str(field.metadata.get("doc", "")).strip()
