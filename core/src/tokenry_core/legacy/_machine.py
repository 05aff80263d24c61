"""An interpreter of pickles that only ever builds data.

Python's own unpickler imports what a pickle names and calls it. This one reads the same opcodes
(the standard library's `pickletools` splits the stream) and has no way to import or to call: a
name becomes a `Record`, a call becomes a `Record`, and the few that stand for arrays and plain
containers become those.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from io import BytesIO
from typing import Any, ClassVar

from ..errors import LegacyError
from ._budget import PER_STEP, Budget
from ._classes import add_members, called, named_record, set_items
from ._record import Record, fill, is_mention
from ._states import built

_EMPTY_SET_BYTES = 256
_MAX_DEPTH = 4


class Machine:
    """Runs one pickle from a stream, which it leaves just behind the pickle's end."""

    def __init__(self, stream: BytesIO, budget: Budget, depth: int = 0) -> None:
        self.stream = stream
        self.budget = budget
        self.depth = depth
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []  # the stacks under each open mark
        self.memo: dict[int, object] = {}
        self.places: dict[int, list[int]] = {}  # where in the memo a record stands, by its id

    def run(self) -> object:
        """Give the one object that the pickle holds."""
        for opcode, argument, _ in pickletools.genops(self.stream):
            self.budget.spend(PER_STEP)
            if opcode.name in _PUSHED:
                self.stack.append(argument)
                continue
            step = self.steps.get(opcode.name)
            if step is None:
                raise LegacyError(_REFUSED.get(opcode.name, f"it uses the opcode {opcode.name}"))
            try:
                step(self, argument)
            except IndexError as error:
                raise LegacyError("it takes more from its stack than it put there") from error
        if len(self.stack) != 1 or self.below:
            raise LegacyError("its pickle ends before its parts are put together")
        return self.stack.pop()

    def run_inner(self) -> object:
        """Give what the pickle holds that follows in the stream, with a memo of its own."""
        if self.depth == _MAX_DEPTH:
            raise LegacyError(f"it nests pickles more than {_MAX_DEPTH} deep")
        return Machine(self.stream, self.budget, self.depth + 1).run()

    def pop_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.below.pop()
        return items

    # -- memo

    def put(self, place: int) -> None:
        top = self.stack[-1]
        self.memo[place] = top
        if isinstance(top, Record):
            self.places.setdefault(id(top), []).append(place)

    def get(self, place: int) -> None:
        if place not in self.memo:
            raise LegacyError(f"it refers to memo entry {place}, which it never made")
        self.stack.append(self.memo[place])

    def replace_top(self, new: object) -> None:
        """Put what a record turned out to be in its place, in the memo as well."""
        old = self.stack[-1]
        self.stack[-1] = new
        for place in self.places.pop(id(old), []):
            if self.memo[place] is old:
                self.memo[place] = new

    # -- containers

    def from_mark(self, make: Callable[[list[Any]], object]) -> None:
        items = self.pop_mark()
        self.stack.append(make(items))

    def make_tuple(self, size: int) -> None:
        if len(self.stack) < size:
            raise IndexError
        self.stack[-size:] = [tuple(self.stack[-size:])]

    def make_set(self) -> None:
        self.budget.spend(_EMPTY_SET_BYTES)
        self.stack.append(set())

    def make_dict(self, items: list[Any]) -> dict[object, object]:
        result: dict[object, object] = {}
        set_items(result, zip(items[::2], items[1::2], strict=True), self.budget)
        return result

    def append(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, Record) and target.args is not None:
            if target.items is None:
                fill(target, items=[])
            target = target.items
        if not isinstance(target, list):
            raise LegacyError(f"it appends to a {type(target).__name__}")
        target.extend(values)

    def set_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, Record) and target.args is not None:
            if target.items is None:
                fill(target, items={})
            target = target.items
        if not isinstance(target, dict):
            raise LegacyError(f"it sets items in a {type(target).__name__}")
        set_items(target, zip(items[::2], items[1::2], strict=True), self.budget)

    def add_items(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, Record):
            self.append(values)  # a subclass of set
            return
        if type(target) is not set:
            raise LegacyError(f"it adds members to a {type(target).__name__}")
        for value in values:
            self.budget.admit_key(value, len(target))
            target.add(value)

    # -- classes and calls, all inert

    def mention(self, module: object, name: object) -> None:
        if not (isinstance(module, str) and isinstance(name, str)):
            raise LegacyError("it names a class by something that is no text")
        if len(module) + len(name) > 1_000:
            raise LegacyError(f"it names a class by {len(module) + len(name):,} characters")
        self.stack.append(Record(f"{module}.{name}"))

    def mention_top(self) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.mention(module, name)

    def call(self, *, new: bool = False) -> None:
        args, callee = self.stack.pop(), self.stack.pop()
        if not isinstance(callee, Record) or not isinstance(args, tuple):
            raise LegacyError(f"it calls a {type(callee).__name__}, which is no class")
        if new and is_mention(callee):
            self.stack.append(named_record(callee.name, args))
        else:
            self.stack.append(called(callee, args, self.budget))

    def call_with_names(self) -> None:
        named = self.stack.pop()
        args = self.stack.pop()
        if not isinstance(named, dict) or not isinstance(args, tuple):
            raise LegacyError("it calls a class with arguments that are none")
        self.budget.spend(PER_STEP * len(args))
        self.stack.append((*args, named) if named else args)
        self.call(new=True)

    def call_marked(self, callee: object, args: list[Any]) -> None:
        self.stack += [callee, tuple(args)]
        self.call()

    def build(self) -> None:
        state = self.stack.pop()
        record = self.stack[-1]
        if not isinstance(record, Record) or record.args is None or record.state is not None:
            raise LegacyError(f"it sets the state of a {type(record).__name__}")
        found = built(record, state, self)
        if found is None:
            fill(record, state=state)
        else:
            self.replace_top(found)

    def pop(self) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self.pop_mark()

    def mark(self) -> None:
        self.below.append(self.stack)
        self.stack = []

    def instance(self, argument: str) -> None:
        args = self.pop_mark()
        self.mention(*argument.split(" ", 1))
        self.call_marked(self.stack.pop(), args)

    def marked_object(self) -> None:
        callee, *args = self.pop_mark()
        self.call_marked(callee, args)

    steps: ClassVar[dict[str, Callable[[Machine, Any], object]]] = {
        "APPEND": lambda m, _: m.append([m.stack.pop()]),
        "APPENDS": lambda m, _: m.append(m.pop_mark()),
        "ADDITEMS": lambda m, _: m.add_items(m.pop_mark()),
        "BINGET": lambda m, place: m.get(place),
        "BINPUT": lambda m, place: m.put(place),
        "BUILD": lambda m, _: m.build(),
        "DICT": lambda m, _: m.from_mark(m.make_dict),
        "DUP": lambda m, _: m.stack.append(m.stack[-1]),
        "EMPTY_DICT": lambda m, _: m.stack.append({}),
        "EMPTY_LIST": lambda m, _: m.stack.append([]),
        "EMPTY_SET": lambda m, _: m.make_set(),
        "EMPTY_TUPLE": lambda m, _: m.stack.append(()),
        "FRAME": lambda m, _: None,
        "FROZENSET": lambda m, _: m.from_mark(lambda v: frozenset(add_members(v, m.budget))),
        "GET": lambda m, place: m.get(place),
        "GLOBAL": lambda m, names: m.mention(*names.split(" ", 1)),
        "INST": lambda m, names: m.instance(names),
        "LIST": lambda m, _: m.from_mark(list),
        "LONG_BINGET": lambda m, place: m.get(place),
        "LONG_BINPUT": lambda m, place: m.put(place),
        "MARK": lambda m, _: m.mark(),
        "MEMOIZE": lambda m, _: m.put(len(m.memo)),
        "NEWFALSE": lambda m, _: m.stack.append(False),
        "NEWOBJ": lambda m, _: m.call(new=True),
        "NEWOBJ_EX": lambda m, _: m.call_with_names(),
        "NEWTRUE": lambda m, _: m.stack.append(True),
        "NONE": lambda m, _: m.stack.append(None),
        "OBJ": lambda m, _: m.marked_object(),
        "POP": lambda m, _: m.pop(),
        "POP_MARK": lambda m, _: m.pop_mark(),
        "PROTO": lambda m, _: None,
        "PUT": lambda m, place: m.put(place),
        "REDUCE": lambda m, _: m.call(),
        "SETITEM": lambda m, _: m.set_items([m.stack.pop(-2), m.stack.pop()]),
        "SETITEMS": lambda m, _: m.set_items(m.pop_mark()),
        "STACK_GLOBAL": lambda m, _: m.mention_top(),
        "STOP": lambda m, _: None,
        "TUPLE": lambda m, _: m.from_mark(tuple),
        "TUPLE1": lambda m, _: m.make_tuple(1),
        "TUPLE2": lambda m, _: m.make_tuple(2),
        "TUPLE3": lambda m, _: m.make_tuple(3),
    }


# fmt: off
_PUSHED = frozenset(
    (
        "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
        "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE",
        "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
    )
)
# fmt: on
_REFUSED = {
    **dict.fromkeys(
        ("PERSID", "BINPERSID"),
        "it refers to objects outside the file (persistent ids, as torch.save writes them); "
        "for a torch checkpoint use torch.load(path, weights_only=True)",
    ),
    **dict.fromkeys(
        ("EXT1", "EXT2", "EXT4"), "it names classes by extension codes, which only its writer knows"
    ),
    **dict.fromkeys(
        ("NEXT_BUFFER", "READONLY_BUFFER"), "it keeps its data in buffers outside the file"
    ),
}
