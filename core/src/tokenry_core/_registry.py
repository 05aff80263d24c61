"""Lookup by name: a read-only mapping from the names of a group to what plugins provide."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ._discovery import Entry, discover, loaded, normalized, rediscover
from ._known import package_for
from ._policy import blocked_by, chosen
from ._versions import CONTRACT
from .errors import (
    AmbiguousName,
    BrokenPlugin,
    IncompatiblePlugin,
    TokenryError,
    UnknownName,
    nearest,
)

if TYPE_CHECKING:
    from ._protocols import Family  # which needs numpy

__all__ = ["Registry", "provider_of"]

T = TypeVar("T")
NAME = re.compile(r"[a-z][a-z0-9._-]*")
TARGET = re.compile(r"(?P<module>\w[\w.]*)\s*(:\s*(?P<attributes>\w[\w.]*))?\s*(\[.*\])?")


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
        self._loaded: dict[str, T] = loaded(group)

    def __getitem__(self, name: str) -> T:
        try:
            return self._loaded[name]
        except KeyError:
            pass
        # The interpreter imports a module once, however many threads ask; setdefault then gives
        # them all one object. A lock of our own could deadlock with the import system's.
        return self._loaded.setdefault(name, self._load(name))

    def get(self, name: str, default: Any = None) -> Any:
        """Give what a name stands for, or `default` when there is none; a broken one raises."""
        try:
            return self[name]
        except UnknownName:
            return default

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
            raise self._ambiguous(name, found)
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

    def _candidates(self, name: str) -> list[Entry]:
        distribution, colon, rest = name.rpartition(":")
        wanted = _entry_name(rest)
        found = [entry for entry in self.entries() if entry.name == wanted]
        if colon:
            return [e for e in found if e.distribution == normalized(distribution)]
        # A choice settles a dispute; where there is none, it says nothing.
        return [e for e in found if e.distribution == chosen(wanted)] or found

    def _load(self, name: str) -> T:
        entry = self.entry(name)
        family, slash, member = name.partition("/")
        found = self._member(entry, family, member) if slash else load_entry(entry)
        _check_contract(entry, found)
        return found  # type: ignore[no-any-return]

    def _member(self, entry: Entry, family: str, member: str) -> Any:
        found = self.family(family)
        try:
            return found.member(member)
        except TokenryError:
            raise
        except Exception as error:  # a KeyError of the plugin's own would read as an unknown name
            raise BrokenPlugin(
                f'the family "{family}" of {entry} failed when it was asked for "{member}":'
                f" {type(error).__name__}: {error}"
            ) from error

    def _ambiguous(self, name: str, found: list[Entry]) -> AmbiguousName:
        claims = " and ".join(str(entry) for entry in found)
        spelled = " or ".join(f'"{entry.distribution}:{name}"' for entry in found)
        key = found[0].name.removesuffix("/*")
        choice = chosen(key)
        advice = f"{{choose: {{{key}: {found[0].distribution}}}}}"
        return AmbiguousName(
            f'"{name}" is claimed by {claims} in {self.group}; say {spelled}, or choose in the'
            f" configuration: plugins: {advice}"
            + (f'. It chooses "{choice}", which does not provide it' if choice else "")
        )

    def _unknown(self, name: str) -> UnknownName:
        distribution, colon, rest = name.rpartition(":")
        wanted = _entry_name(rest)
        claims = [entry for entry in self.claims() if entry.name == wanted]
        for entry in claims:
            reason = blocked_by(entry)
            if reason and (not colon or entry.distribution == normalized(distribution)):
                return UnknownName(f'"{name}" of {entry} is blocked by {reason}')
        if claims and not is_name(wanted):
            return UnknownName(
                f'"{name}" of {claims[0]} is ignored: a name is lowercase letters, digits and'
                " . _ - after a letter; its author has to rename it"
            )
        if claims:
            providers = " and ".join(str(entry) for entry in claims)
            return UnknownName(
                f'"{distribution}" provides no "{rest}" in {self.group}; {providers} does'
            )
        known = [*self, *self.families()]
        package = package_for(self.group, rest)
        install = f" It is part of {package}: pip install {package}." if package else ""
        similar = "" if package else nearest(wanted.replace("/*", "/…"), known)
        return UnknownName(
            f'"{name}" is not in {self.group}; there are: {", ".join(known) or "none"}.'
            f"{install}{similar}"
        )


def _entry_name(name: str) -> str:
    """Give the name of the entry that a name asks for: of its family, where it is a member."""
    family, _, member = name.partition("/")
    return f"{family}/*" if member else name


def is_name(name: str) -> bool:
    """Whether a name is one that a plugin may claim.

    >>> [is_name(name) for name in ("scalar", "timm/*", "My Tokenizer")]
    [True, True, False]
    """
    return NAME.fullmatch(name.removesuffix("/*")) is not None


def load_entry(entry: Entry) -> Any:
    """Import what an entry points at, or raise `BrokenPlugin` with the reason."""
    import importlib

    target = TARGET.fullmatch(entry.value)
    if target is None:
        raise BrokenPlugin(
            f'the plugin "{entry.name}" of {entry} cannot be imported: its entry point is'
            ' not of the form "package.module:object"; its author has to correct it'
        )
    try:
        found: Any = importlib.import_module(target["module"])
        for attribute in filter(None, (target["attributes"] or "").split(".")):
            found = getattr(found, attribute)
    except (Exception, SystemExit) as error:
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
    if contract == CONTRACT:
        return
    newer = isinstance(contract, int) and contract > CONTRACT
    advice = "upgrade tokenry-core" if newer else f"upgrade {entry.distribution}"
    raise IncompatiblePlugin(
        f'the plugin "{entry.name}" of {entry} follows contract {contract!r}; this'
        f" tokenry-core knows contract {CONTRACT}: {advice}"
    )
