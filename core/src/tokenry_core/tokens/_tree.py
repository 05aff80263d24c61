"""Nested containers as one flat list of named leaves, and back.

The names on the way to a leaf are joined by `/`. A `/` or `~` inside a name is written `~1` or
`~0`, as in JSON Pointer (RFC 6901), so that two different leaves can never share a key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import ConfigError
from ._backend import Array, is_array

SEPARATOR = "/"


@dataclass(frozen=True)
class Tree:
    """The containers around the leaves: hashable, so that it can be static under `jit`."""

    kind: Any  # None for a leaf, else dict, list, tuple, a named tuple's class, or type(None)
    names: tuple[Any, ...] = ()
    children: tuple[Tree, ...] = ()

    def leaf_keys(self, prefix: str = "") -> Iterator[str]:
        """Give the key of each leaf, in order."""
        if self.kind is None:
            yield prefix
        for name, child in zip(self.names or range(len(self.children)), self.children, strict=True):
            yield from child.leaf_keys(join_key(prefix, name))

    def build(self, leaves: Iterator[Any]) -> Any:
        """Give the nested containers around these leaves, taken in order."""
        if self.kind is None:
            return next(leaves)
        if self.kind is type(None):
            return None
        built = [child.build(leaves) for child in self.children]
        if self.kind is dict:
            return dict(zip(self.names, built, strict=True))
        return self.kind(*built) if hasattr(self.kind, "_fields") else self.kind(built)


LEAF = Tree(None)


def flatten_tree(data: Any, is_leaf: Any = is_array) -> tuple[list[str], list[Any], Tree]:
    """Give the key of each leaf, the leaves, and the containers around them.

    >>> flatten_tree({"mu": 1.0, "site": {"a/b": 2.0, "c": [3.0]}})[:2]
    (['mu', 'site/a~1b', 'site/c/0'], [1.0, 2.0, 3.0])
    """
    if not isinstance(data, Mapping | list | tuple):
        raise ConfigError(
            f"Expected a mapping, list or tuple of arrays, not {_kind_of(data)}. "
            "Give the arrays by name: {'mu': ..., 'theta': ...}."
        )
    if type(data) is dict and all(map(_is_plain, data)) and all(map(is_leaf, data.values())):
        keys = tuple(data)
        return list(keys), list(data.values()), Tree(dict, keys, (LEAF,) * len(keys))
    names: list[str] = []
    leaves: list[Array] = []
    tree = _walk(data, "", names, leaves, is_leaf)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ConfigError(f"Two leaves have the key {twice!r}. Give them different names.")
    return names, leaves, tree


def join_key(prefix: str, name: object) -> str:
    """Give the key of a name inside a container.

    >>> join_key("site", "a/b")
    'site/a~1b'
    """
    text = str(name).replace("~", "~0").replace(SEPARATOR, "~1")
    return f"{prefix}{SEPARATOR}{text}" if prefix else text


def _walk(node: Any, key: str, names: list[str], leaves: list[Any], is_leaf: Any) -> Tree:
    if is_leaf(node):
        names.append(key)
        leaves.append(node)
        return LEAF
    if node is None:
        return Tree(type(None))
    if isinstance(node, Mapping):
        kind: Any = dict
        inner = tuple(node)
        _check_names(inner, key)
        items = list(node.items())
    elif isinstance(node, list | tuple):
        kind, inner, items = type(node), (), list(enumerate(node))
    else:
        raise ConfigError(
            f"{key!r} is {_kind_of(node)}, which is neither an array nor a mapping, list or tuple."
        )
    children = tuple(
        _walk(child, join_key(key, name), names, leaves, is_leaf) for name, child in items
    )
    return Tree(kind, inner, children)


def _is_plain(name: object) -> bool:
    return type(name) is str and name != "" and "/" not in name and "~" not in name


def _check_names(names: tuple[Any, ...], key: str) -> None:
    where = f"in {key!r}" if key else "at the top"
    for name in names:
        if not isinstance(name, str | int) or name == "":
            raise ConfigError(
                f"The name {name!r} {where} cannot be a key; use a non-empty text or a number."
            )


def _kind_of(value: object) -> str:
    return f"a {type(value).__module__}.{type(value).__qualname__}".replace("builtins.", "")
