"""The few classes and functions whose meaning is known; every other one stays a record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ..errors import LegacyError
from ._arrays import array_from_buffer, scalar_from_bytes
from ._budget import PER_STEP, Budget
from ._record import Record, is_mention

Args = tuple[object, ...]
_OBJECT = ("builtins.object", "__builtin__.object")


def called(callee: Record, args: Args, budget: Budget) -> object:
    """Give what calling a class or function stands for: plain data if known, else a record."""
    known = _KNOWN.get(_current_name(callee.name)) if is_mention(callee) else None
    found = known(args, budget) if known else None
    if found is not None:
        return found
    # The result of a call may itself be called: that is inert too, and keeps its own name.
    if is_mention(callee):
        return named_record(callee.name, args)
    budget.spend(PER_STEP * len(args))
    return named_record(f"{callee.name}()", (callee, *args))


def named_record(name: str, args: Args) -> Record:
    """Give a record whose name is short enough to be one."""
    if len(name) > 1_000:
        raise LegacyError(f"it names a class by {len(name):,} characters: {name[:50]}...")
    return Record(name, args)


def set_items(target: dict[object, object], pairs: Iterable[Args], budget: Budget) -> None:
    """Put key and value pairs into a dict, refusing keys that are dear to hash."""
    for key, value in pairs:
        budget.admit_key(key, len(target))
        target[key] = value


def add_members(values: Iterable[object], budget: Budget) -> set[object]:
    """Give the set of some values, refusing those that are dear to hash."""
    members: set[object] = set()
    for value in values:
        budget.admit_key(value, len(members))
        members.add(value)
    return members


def _current_name(name: str) -> str:
    # NumPy 2 renamed numpy.core, Python 3 renamed the builtins: one spelling here.
    for old, new in (("numpy.core.", "numpy._core."), ("__builtin__.", "builtins.")):
        if name.startswith(old):
            return new + name[len(old) :]
    return name.replace("copy_reg.", "copyreg.", 1) if name.startswith("copy_reg.") else name


def _listed(args: Args, budget: Budget) -> list[object] | None:
    """Give the values that a container is made of, or None when they are not simply listed."""
    if not args:
        return []
    if len(args) == 1 and isinstance(args[0], (list, tuple, set, frozenset)):
        budget.spend(PER_STEP * len(args[0]))
        return list(args[0])
    return None


def _set(args: Args, budget: Budget) -> object:
    values = _listed(args, budget)
    return None if values is None else add_members(values, budget)


def _frozenset(args: Args, budget: Budget) -> object:
    values = _listed(args, budget)
    return None if values is None else frozenset(add_members(values, budget))


def _ordered_dict(args: Args, budget: Budget) -> object:
    pairs = _listed(args, budget)
    if pairs is None or not all(isinstance(p, (list, tuple)) and len(p) == 2 for p in pairs):
        return None
    result: dict[object, object] = {}
    set_items(result, (tuple(pair) for pair in pairs if isinstance(pair, (list, tuple))), budget)
    return result


def _default_dict(args: Args, budget: Budget) -> object:
    # The factory is forgotten: a dict that invents values would call what the file names.
    return {} if len(args) <= 1 else None


def _encoded(args: Args, budget: Budget) -> bytes | None:
    # Protocols before 3 write bytes as text: _codecs.encode(text, "latin1").
    if len(args) != 2 or not isinstance(args[0], str) or args[1] not in ("latin1", "latin-1"):
        return None
    budget.spend(len(args[0]))
    return args[0].encode("latin-1")


def _bytes(args: Args, budget: Budget) -> bytes | None:
    if not args:
        return b""
    return _encoded(args, budget)


def _bytearray(args: Args, budget: Budget) -> bytearray | None:
    if len(args) == 1 and isinstance(args[0], (bytes, bytearray)):
        budget.spend(len(args[0]))
        return bytearray(args[0])
    raw = _bytes(args, budget)
    return None if raw is None else bytearray(raw)


def _complex(args: Args, budget: Budget) -> complex | None:
    real, imaginary = args if len(args) == 2 else (None, None)
    if isinstance(real, (int, float)) and isinstance(imaginary, (int, float)):
        return complex(real, imaginary)
    return None


def _plain_object(args: Args, budget: Budget) -> Record | None:
    # Protocols 0 and 1 make objects so: one record, named alike in every protocol.
    of_object = len(args) == 3 and is_mention(args[1], *_OBJECT) and args[2] is None
    return _new_object(args[:1], budget) if of_object else None


def _new_object(args: Args, budget: Budget) -> Record | None:
    if args and isinstance(args[0], Record) and is_mention(args[0]):
        budget.spend(PER_STEP * len(args))
        return named_record(args[0].name, args[1:])
    return None


_KNOWN: Mapping[str, Callable[[Args, Budget], object]] = {
    "_codecs.encode": _encoded,
    "builtins.bytearray": _bytearray,
    "builtins.bytes": _bytes,
    "builtins.complex": _complex,
    "builtins.frozenset": _frozenset,
    "builtins.set": _set,
    "collections.OrderedDict": _ordered_dict,
    "collections.defaultdict": _default_dict,
    "copyreg.__newobj__": _new_object,
    "copyreg._reconstructor": _plain_object,
    "numpy._core.multiarray.scalar": scalar_from_bytes,
    "numpy._core.numeric._frombuffer": array_from_buffer,
}
