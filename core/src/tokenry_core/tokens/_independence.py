"""Which keys are independent of which, and what that means for each pair of keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any, TypeAlias

from ..errors import ConfigError, ShapeError, nearest
from ._backend import uncached_under_compile
from ._errors import UnknownKey

DimensionMap: TypeAlias = tuple[int, int] | None
Match: TypeAlias = tuple[int | None, int | None]
"""Event dimension of the query and of the key that must agree; None is the place in the key."""


@dataclass(frozen=True)
class Independence:
    """What may not attend to what, as rules about keys.

    They apply in the order cross, local, cross_local: a later rule for a pair replaces the earlier.
    `local` keys do not attend within themselves. `cross` pairs (A, B) keep A from attending to B,
    in that direction only. `cross_local` triples (A, B, map) let A and B attend to each other, in
    both directions, only where they match: at the same place when the map is None, and where
    event dimension i of A equals event dimension j of B when it is (i, j).

    >>> Independence(local=("theta",), cross_local=(("theta", "obs", (0, 0)),)).keys
    ('obs', 'theta')
    """

    local: tuple[str, ...] = ()
    cross: tuple[tuple[str, str], ...] = ()
    cross_local: tuple[tuple[str, str, DimensionMap], ...] = ()

    def __post_init__(self) -> None:
        # Lists are welcome; what is kept is hashable.
        object.__setattr__(self, "local", tuple(_key(key) for key in self.local))
        object.__setattr__(self, "cross", tuple(_pair(rule) for rule in self.cross))
        object.__setattr__(self, "cross_local", tuple(_triple(rule) for rule in self.cross_local))

    @classmethod
    def of(cls, rules: Independence | Mapping[str, Any] | None) -> Independence:
        """Read rules written as a dictionary, checking their form.

        >>> Independence.of({"local": ["obs"], "cross": [("mu", "obs")]})
        Independence(local=('obs',), cross=(('mu', 'obs'),), cross_local=())
        """
        if isinstance(rules, Independence):
            return rules
        if rules is None:
            return cls()
        if not isinstance(rules, Mapping):
            raise ConfigError(
                f"independence is {rules!r}; give a mapping with 'local', 'cross' and "
                "'cross_local', or an Independence."
            )
        known = ["local", "cross", "cross_local"]
        for name in rules:
            if name not in known:
                raise ConfigError(
                    f"independence has {name!r}; it may have {known}.{nearest(name, known)}"
                )
        return cls(*(rules.get(name) or () for name in known))

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key that a rule names, sorted."""
        pairs = (*self.cross, *(rule[:2] for rule in self.cross_local))
        return tuple(sorted({*self.local, *(key for pair in pairs for key in pair)}))

    def among(self, keys: Iterable[str]) -> Independence:
        """Give the rules that concern these keys alone: one set of rules for parts of a model.

        >>> Independence(cross=(("mu", "obs"),), local=("mu",)).among(["mu"])
        Independence(local=('mu',), cross=(), cross_local=())
        """
        kept = set(keys)
        return Independence(
            tuple(key for key in self.local if key in kept),
            tuple(rule for rule in self.cross if kept.issuperset(rule)),
            tuple(rule for rule in self.cross_local if kept.issuperset(rule[:2])),
        )

    def check(self, event_shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Refuse rules about keys that do not exist, or whose dimensions do not agree."""
        for key in self.keys:
            if key not in event_shapes:
                error = UnknownKey.among(key, event_shapes)
                raise UnknownKey(
                    f"{error}. A rule of independence names it; Independence.among keeps the "
                    "rules of some keys."
                )
        pair_rules(event_shapes, self)


def pair_rules(
    event_shapes: Mapping[str, tuple[int, ...]], independence: Independence
) -> dict[tuple[str, str], tuple[Match, ...]]:
    """Give, for each (query, key) pair that is restricted, the matches of which one must hold.

    No match at all means that nothing is allowed; a pair that is absent is not restricted. Every
    description of a mask (dense, function, block summary) is made from this one table.
    """
    read: Callable[..., dict[tuple[str, str], tuple[Match, ...]]]
    read = uncached_under_compile(_pair_rules)
    return read(tuple(event_shapes.items()), independence)


@lru_cache(maxsize=256)
def _pair_rules(
    event_shapes: tuple[tuple[str, tuple[int, ...]], ...], independence: Independence
) -> dict[tuple[str, str], tuple[Match, ...]]:
    shapes = dict(event_shapes)
    rules: dict[tuple[str, str], tuple[Match, ...]] = {}
    for a, b in independence.cross:
        rules[a, b] = ()
    for key in independence.local:
        rules[key, key] = ()
    for a, b, dimensions in independence.cross_local:
        if a not in shapes or b not in shapes:
            continue
        _check_match(a, shapes[a], b, shapes[b], dimensions)
        there: Match = (None, None) if dimensions is None else dimensions
        back: Match = (there[1], there[0])
        if a == b:
            rules[a, a] = tuple(dict.fromkeys((there, back)))
        else:
            rules[a, b], rules[b, a] = (there,), (back,)
    return rules


def _check_match(
    a: str, shape_a: tuple[int, ...], b: str, shape_b: tuple[int, ...], dimensions: DimensionMap
) -> None:
    cannot = "Cannot apply cross_local independence:"
    if dimensions is None:
        if prod(shape_a) != prod(shape_b):
            raise ShapeError(
                f"{cannot} {a!r} has {prod(shape_a)} tokens but {b!r} has {prod(shape_b)} tokens; "
                "the diagonal needs equal numbers"
            )
        return
    for key, shape, dimension in ((a, shape_a, dimensions[0]), (b, shape_b, dimensions[1])):
        if not 0 <= dimension < len(shape):
            raise ShapeError(
                f"{cannot} {key!r} has no event dimension {dimension}; its event shape is {shape}"
            )
    i, j = dimensions
    if shape_a[i] != shape_b[j]:
        raise ShapeError(
            f"{cannot} dimension {i} of {a!r} has size {shape_a[i]} "
            f"but dimension {j} of {b!r} has size {shape_b[j]}"
        )


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise ConfigError(f"independence names the key {key!r}; keys are text.")
    return key


def _pair(rule: Any) -> tuple[str, str]:
    if isinstance(rule, str) or len(rule) != 2:
        raise ConfigError(f"A cross rule is a pair of keys (A, B), not {rule!r}.")
    return _key(rule[0]), _key(rule[1])


def _triple(rule: Any) -> tuple[str, str, DimensionMap]:
    if isinstance(rule, str) or len(rule) != 3:
        raise ConfigError(
            f"A cross_local rule is (A, B, map) with map None or (i, j), not {rule!r}."
        )
    a, b, dimensions = rule
    if dimensions is None:
        return _key(a), _key(b), None
    if len(dimensions) != 2:
        raise ConfigError(f"The map of a cross_local rule is None or (i, j), not {dimensions!r}.")
    return _key(a), _key(b), (int(dimensions[0]), int(dimensions[1]))
