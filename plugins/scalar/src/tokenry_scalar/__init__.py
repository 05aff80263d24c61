"""Quantile-bin tokens of catalog columns: exact, fast, and honest about missing values."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenry_scalar._config import Filter as Filter
    from tokenry_scalar._config import ScalarConfig as ScalarConfig
    from tokenry_scalar._tokenizer import ScalarTokenizer as ScalarTokenizer

__all__ = ["Filter", "ScalarConfig", "ScalarTokenizer"]

_HOMES = {"Filter": "_config", "ScalarConfig": "_config", "ScalarTokenizer": "_tokenizer"}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
