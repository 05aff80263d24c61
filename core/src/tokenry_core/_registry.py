"""Lookup by name: a read-only mapping from the names of a group to what plugins provide."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ._discovery import Entry, discover, normalized, rediscover
from ._known import package_for
from ._policy import blocked_by, chosen
from ._versions import CONTRACT
from .errors import AmbiguousName, BrokenPlugin, IncompatiblePlugin, UnknownName, nearest

if TYPE_CHECKING:
    from ._protocols import Family  # which needs numpy

__all__ = ["Registry", "provider_of"]

T = TypeVar("T")
NAME = re.compile(r"[a-z][a-z0-9._-]*")


class Registry(Mapping[str, T], Generic[T]):
    """What is installed under one entry-point group, by name.

    Iterating, `len` and `in` read package metadata and import nothing; indexing imports the plugin,
    once. `DISTRIBUTION:NAME` picks one of several distributions that claim a name, and
    `FAMILY/MEMBER` asks a family (an entry point `"FAMILY/*"`) for a member.

    >>> registry = Registry("tokenry.tokenizers")
    >>> "no-such-tokenizer" in registry
    False
    """

    def __init__(self, group: str) -> None:
        self.group = group
        self._loaded: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        try:
            return self._loaded[name]
        except KeyError:
            pass
        # The interpreter imports a module once, however many threads ask; setdefault then gives
        # them all one object. A lock of our own could deadlock with the import system's.
        return self._loaded.setdefault(name, self._load(name))

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({e.name for e in self.entries() if not e.name.endswith("/*")}))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self._candidates(name))

    def __repr__(self) -> str:
        return f"Registry({self.group!r}: {', '.join([*self, *self.families()]) or 'nothing'})"

    def entries(self) -> list[Entry]:
        """Give the entries that are neither blocked nor misnamed, by name."""
        found = [e for e in self.claims() if is_name(e.name) and not blocked_by(e)]
        return sorted(found, key=lambda entry: (entry.name, entry.distribution))

    def claims(self) -> list[Entry]:
        """Give every entry of the group, the blocked and the misnamed included."""
        return [entry for entry in discover() if entry.group == self.group]

    def families(self) -> list[str]:
        """Give the families, as `timm/…`."""
        return sorted({f"{e.name[:-2]}/…" for e in self.entries() if e.name.endswith("/*")})

    def entry(self, name: str) -> Entry:
        """Give the one entry that a name stands for, or say why there is none, or no one."""
        found = self._candidates(name)
        if not found:
            raise self._unknown(name)
        if len(found) > 1:
            claims = " and ".join(str(entry) for entry in found)
            spelled = " or ".join(f'"{entry.distribution}:{name}"' for entry in found)
            raise AmbiguousName(
                f'"{name}" is claimed by {claims} in {self.group}; say {spelled}, or choose in the'
                f" configuration: plugins: {{choose: {{{name}: {found[0].distribution}}}}}"
            )
        return found[0]

    def family(self, name: str) -> Family:
        """Give the family that stands for the names `name`/MEMBER. Imports it."""
        found = load_entry(self.entry(f"{name}/*"))
        if not (hasattr(found, "member") and hasattr(found, "members")):
            raise BrokenPlugin(
                f'the family "{name}" of {self.group} has no member(name) and members(): see'
                " tokenry_core.Family"
            )
        return found  # type: ignore[no-any-return]

    def refresh(self) -> None:
        """See what has been installed or removed since; what was loaded is looked up anew."""
        rediscover()
        self._loaded.clear()

    def _candidates(self, name: str) -> list[Entry]:
        distribution, colon, rest = name.rpartition(":")
        family, slash, _ = rest.partition("/")
        wanted = f"{family}/*" if slash else rest
        found = [entry for entry in self.entries() if entry.name == wanted]
        owner = normalized(distribution) if colon else chosen(rest)
        return [e for e in found if e.distribution == owner] if owner is not None else found

    def _load(self, name: str) -> T:
        entry = self.entry(name)
        family, slash, member = name.partition("/")
        found = self.family(family).member(member) if slash else load_entry(entry)
        _check_contract(entry, found)
        return found  # type: ignore[no-any-return]

    def _unknown(self, name: str) -> UnknownName:
        for entry in self.claims():
            reason = blocked_by(entry)
            if reason and entry.name in (name, name.partition("/")[0] + "/*"):
                return UnknownName(f'"{name}" of {entry} is blocked by {reason}')
        known = [*self, *self.families()]
        package = package_for(self.group, name)
        install = f" It is part of {package}: pip install {package}." if package else ""
        return UnknownName(
            f'"{name}" is not in {self.group}; there are: {", ".join(known) or "none"}.'
            f"{install}{'' if package else nearest(name, known)}"
        )


def is_name(name: str) -> bool:
    """Whether a name is one that a plugin may claim.

    >>> [is_name(name) for name in ("scalar", "timm/*", "My Tokenizer")]
    [True, True, False]
    """
    return NAME.fullmatch(name.removesuffix("/*")) is not None


def load_entry(entry: Entry) -> Any:
    """Import what an entry points at, or raise `BrokenPlugin` with the reason."""
    import importlib

    module, _, attributes = entry.value.partition("[")[0].strip().partition(":")
    try:
        found: Any = importlib.import_module(module.strip())
        for attribute in filter(None, attributes.strip().split(".")):
            found = getattr(found, attribute)
    except Exception as error:
        raise BrokenPlugin(
            f'the plugin "{entry.name}" of {entry} cannot be imported:'
            f" {type(error).__name__}: {error}. `tokenry doctor` lists every plugin's state"
        ) from error
    return found


def provider_of(cls: type[Any], name: str) -> tuple[str, str]:
    """Give distribution and version that provide a tokenizer class; empty when none does."""
    module = cls.__module__.partition(".")[0]
    for entry in discover():
        if (
            entry.group == "tokenry.tokenizers"
            and entry.name == name
            and entry.value.split(":")[0].partition(".")[0].strip() == module
        ):
            return entry.distribution, entry.version
    return "", ""


def _check_contract(entry: Entry, found: Any) -> None:
    contract = getattr(found, "contract", CONTRACT)
    if contract != CONTRACT:
        advice = "upgrade tokenry-core" if contract > CONTRACT else f"upgrade {entry.distribution}"
        raise IncompatiblePlugin(
            f'the plugin "{entry.name}" of {entry} follows contract {contract}; this'
            f" tokenry-core knows contract {CONTRACT}: {advice}"
        )
