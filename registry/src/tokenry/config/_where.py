"""Filters of rows, written as `mag_r < 22 and kind in ["STAR", "QSO"]`."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tokenry_core import require
from tokenry_core._words import placed
from tokenry_core.errors import ConfigError, DataError

__all__ = ["Where"]

_COMPARE: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_ARITHMETIC: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda a, b: _divide(a, b),
}
_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "col": lambda name: pc.field(_text(name)),
    "date": lambda text: pc.scalar(pa.scalar(_text(text)).cast(pa.timestamp("us"))),
    "abs": lambda value: pc.abs(value),
    "is_null": lambda value: _column(value).is_null(),
    "is_finite": lambda value: pc.is_finite(_column(value)),
}


@dataclass(frozen=True)
class Where:
    """A condition on rows. A row for which it is null or false is left out.

    >>> where = Where("14 < mag_r < 22 and not is_null(z)")
    >>> sorted(where.columns)
    ['mag_r', 'z']
    >>> batch = pa.record_batch({"mag_r": [13.0, 15.0, 16.0], "z": [0.1, None, 0.3]})
    >>> where(batch).num_rows
    1
    """

    text: str
    path: str = field(default="where", compare=False)  # in the run file, for errors

    def __post_init__(self) -> None:
        self.expression()

    def expression(self) -> Any:
        """The condition as an Arrow expression."""
        cut = self.text if len(self.text) <= 80 else f"{self.text[:79]}…"
        try:
            tree = ast.parse(self.text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            what = error.msg if isinstance(error, SyntaxError) else error
            raise ConfigError(
                f'{self.path}: "{cut}" is no condition: {what}; a column whose name is no'
                ' plain word, or a word of Python, is written col("class")'
            ) from None
        try:
            return _condition(tree, cut)
        except ConfigError as error:
            raise ConfigError(f"{self.path}: {error}") from None
        except (TypeError, AttributeError, ArithmeticError, pa.ArrowException) as error:
            raise ConfigError(f'{self.path}: "{cut}" has no meaning: {error}') from None

    @property
    def columns(self) -> frozenset[str]:
        """The columns that the condition reads."""
        return frozenset(_names(ast.parse(self.text.strip(), mode="eval").body))

    def check(self, schema: pa.Schema) -> None:
        """Say why the condition does not fit the schema, where it does not."""
        with placed(self.path):
            require(schema, sorted(self.columns))
        self(pa.RecordBatch.from_pylist([], schema))

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Give the rows for which the condition holds."""
        require(batch.schema, sorted(self.columns))
        try:
            return batch.filter(self.expression())
        except (pa.ArrowException, TypeError) as error:
            raise DataError(f'{self.path}: "{self.text}" does not fit the data: {error}') from None


def _build(node: ast.AST, text: str) -> Any:
    match node:
        case ast.BoolOp(op=op, values=values):
            parts = [_condition(value, text) for value in values]
            out = parts[0]
            for part in parts[1:]:
                out = out & part if isinstance(op, ast.And) else out | part
            return out
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return ~_condition(operand, text)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = _build(operand, text)
            return -inner if isinstance(inner, int | float) else pc.negate(inner)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            return _ARITHMETIC[type(op)](_build(left, text), _build(right, text))
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            return _compare(left, ops, comparators, text)
        case ast.Name(id=name):
            return pc.field(name)
        case ast.Constant(value=str() | int() | float() | None as value):
            return value
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_build(item, text) for item in items]
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](_build(argument, text))
    raise ConfigError(
        f'"{ast.unparse(node)}" in "{text}" is not understood; allowed are columns, numbers,'
        " texts, < <= > >= == !=, in [..], is None, and, or, not, + - * /,"
        f" {', '.join(f'{name}(..)' for name in _FUNCTIONS)}"
    )


def _divide(a: Any, b: Any) -> Any:
    """Divide as fractions, where Arrow would give whole numbers; by zero is infinite or NaN."""
    if not isinstance(a, pc.Expression) and not isinstance(b, pc.Expression):
        return a / b
    a, b = (x if isinstance(x, pc.Expression) else pc.scalar(float(x)) for x in (a, b))
    return pc.divide(a.cast(pa.float64()), b.cast(pa.float64()))


def _column(value: Any) -> Any:
    if isinstance(value, pc.Expression):
        return value
    raise TypeError(f"a column is needed, and {value!r} is none")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise TypeError('col("..") and date("..") take a text in quotes')


def _condition(node: ast.AST, text: str) -> Any:
    built = _build(node, text)
    if not isinstance(built, pc.Expression):
        raise ConfigError(f'"{ast.unparse(node)}" in "{text}" is no condition on a column')
    return built


def _compare(left: ast.AST, ops: list[Any], comparators: list[Any], text: str) -> Any:
    out = None
    for op, right in zip(ops, comparators, strict=True):
        a, b = _build(left, text), _build(right, text)
        part = _pair(op, a, b)
        if not isinstance(part, pc.Expression):
            raise ConfigError(f'"{text}" compares no column with anything')
        out = part if out is None else out & part
        left = right
    return out


def _pair(op: ast.AST, a: Any, b: Any) -> Any:
    if a is None:
        a, b = b, a
    if isinstance(op, ast.Is | ast.IsNot) and b is not None:
        raise ConfigError('"is" is for None alone; write == or !=')
    if b is None and not isinstance(op, ast.Is | ast.IsNot | ast.Eq | ast.NotEq):
        raise ConfigError('None has no order; write "x is None" or "x is not None"')
    if isinstance(op, ast.In | ast.NotIn):
        if isinstance(b, pc.Expression):
            raise ConfigError('"in" is for a list of values: x in [1, 2]')
        inside = _column(a).isin(b if isinstance(b, list) else [b])
        return inside if isinstance(op, ast.In) else ~inside
    if isinstance(op, ast.Is | ast.IsNot) or (b is None and isinstance(op, ast.Eq | ast.NotEq)):
        empty = _column(a).is_null()
        return empty if isinstance(op, ast.Is | ast.Eq) else ~empty
    return _COMPARE[type(op)](a, b)


def _names(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Call(func=ast.Name(id="col"), args=[ast.Constant(value=str() as name)]):
            yield name
        case ast.Call(args=arguments):
            for argument in arguments:
                yield from _names(argument)
        case ast.Name(id=name):
            yield name
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _names(child)
