"""What a run file chose, with attributes where users expect them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tokenry_core._config import plain
from tokenry_core._words import placed
from tokenry_core.errors import nearest

from ._where import Where

__all__ = ["Choice", "Section"]


@dataclass(frozen=True)
class Choice:
    """A plugin that a run file chose, with its checked options as attributes.

    `config` is the plugin's own configuration; `options` what it was built from.
    """

    name: str
    cls: Any
    config: Any
    options: Mapping[str, Any]
    where: Where | None = None
    artifact: str | None = None
    place: str = ""  # in the run file, for errors

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return (
                self.config[name]
                if isinstance(self.config, Mapping)
                else getattr(self.config, name)
            )
        except (AttributeError, KeyError):
            known = plain(self.config) or {}
            raise AttributeError(
                f'"{self.name}" has no option "{name}"; it has {", ".join(known)}.'
                f"{nearest(name, known)}"
            ) from None

    def make(self) -> Any:
        """Give an instance of the plugin."""
        with placed(self.place):
            if isinstance(self.config, Mapping):
                return self.cls(**self.config)
            return self.cls(self.config)


class Section(Mapping[str, Any]):
    """A mapping whose keys are attributes too."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __getitem__(self, key: str) -> Any:
        value = self._values[key]
        return Section(value) if isinstance(value, Mapping) else value

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __getattr__(self, key: str) -> Any:
        if key.startswith("_") or key not in self._values:
            known = ", ".join(self._values) if not key.startswith("_") else ""
            raise AttributeError(f'there is no "{key}" here; there are: {known or "none"}')
        return self[key]

    def __repr__(self) -> str:
        return f"Section({self._values!r})"
