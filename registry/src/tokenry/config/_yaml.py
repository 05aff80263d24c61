"""YAML as users read it: version 1.2's scalars, nothing executed, no key twice.

PyYAML follows YAML 1.1, where `1e-3` is text, `on` and `no` are booleans, `12:30` is a number in
base 60 and `2024-01-01` a date object; a band called `N` or `Y` would become False or True.
"""

from __future__ import annotations

import re
from typing import Any

import yaml
from yaml.reader import ReaderError

from tokenry_core.errors import ConfigError

__all__ = ["parse_yaml"]

_SCALARS = (
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+."),
)


def parse_yaml(text: str) -> Any:
    """Give the data of one YAML document.

    >>> parse_yaml("{tolerance: 1e-3, bands: [N, Y, on], start: 2024-01-01}")
    {'tolerance': 0.001, 'bands': ['N', 'Y', 'on'], 'start': '2024-01-01'}
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506  (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ConfigError(f"{where}{error.problem or error.context}") from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(
            f"line {line}: the character {chr(error.character)!r} is not allowed in YAML"
        ) from None
    except RecursionError:
        raise ConfigError("not YAML that a person writes: it is nested too deeply") from None
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"not YAML: {str(error) or type(error).__name__}") from None


class _Loader(yaml.SafeLoader):
    """SafeLoader with the scalars of YAML 1.2's core schema."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = (
                key_node.tag,
                key_node.value if isinstance(key_node.value, str) else id(key_node),
            )
            if key in seen and key_node.value != "<<":
                raise yaml.MarkedYAMLError(
                    problem=f'the key "{key_node.value}" stands twice in one mapping',
                    problem_mark=key_node.start_mark,
                )
            seen.add(key)
        self.flatten_mapping(node)
        return super().construct_mapping(node, deep)


def _int(loader: Any, node: Any) -> int:
    text = loader.construct_scalar(node)
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    return int(text, base)


def _unknown(loader: Any, node: Any) -> Any:
    raise yaml.MarkedYAMLError(
        problem=f'the tag "{node.tag}" is not allowed: a run file holds plain data only',
        problem_mark=node.start_mark,
    )


for _tag, _pattern, _first in _SCALARS:
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}",
        re.compile(rf"^(?:{_pattern})$"),
        [c for c in _first if c != "\0"] + ([""] if "\0" in _first else []),
    )
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile("^<<$"), ["<"])
_Loader.add_constructor("tag:yaml.org,2002:int", _int)
_Loader.add_constructor(None, _unknown)
for _tag in ("binary", "timestamp", "omap", "pairs", "set"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _unknown)
