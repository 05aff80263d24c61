"""NumPy dtypes from their pickled or written description, each part checked before it is used."""

from __future__ import annotations

import math
import re
from typing import Any, cast

import numpy as np

from ..errors import LegacyError
from ._budget import Budget
from ._record import Record, is_mention

Dtype = np.dtype[Any]

_PLAIN = re.compile(
    r"[<>|=]?(?:b1|[iu][1248]|f(?:2|4|8|12|16)|c(?:8|16|24|32)|[SUV]\d{1,9}|O[48]?|\?)"
)
_TIME = re.compile(r"[<>|=]?[mM]8(?:\[\d{0,9}(?:generic|Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\])?")
_UNITS = ("generic", "Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as")
# Dtypes nest, and share their parts: without a limit, a few bytes could stand for 2**n fields.
_MAX_PARTS = 1_000
_MAX_DEPTH = 16
_PART_BYTES = 500


def dtype_from_code(code: str) -> Dtype:
    """Give the dtype of a code such as `<f8` or `U12`; codes that list several are refused."""
    if not (_PLAIN.fullmatch(code) or _TIME.fullmatch(code)):
        raise LegacyError(f"it describes an array by the dtype {code[:50]!r}")
    return np.dtype("O") if code.lstrip("<>|=").startswith("O") else np.dtype(code)


def dtype_from_descr(descr: object) -> Dtype:
    """Give the dtype that the header of a `.npy` file describes."""
    _check_descr(descr, _MAX_DEPTH)
    return _measured(np.lib.format.descr_to_dtype(cast(Any, descr)))


def dtype_from_pickle(record: Record, state: object, budget: Budget) -> Dtype:
    """Give the dtype that `numpy.dtype(*args)` with this pickled state stands for."""
    code = record.args[0] if record.args else None
    if is_mention(code, "numpy.record", "numpy.rec.record"):
        code = "V"
    if not (isinstance(code, str) and isinstance(state, tuple) and len(state) >= 6):
        raise LegacyError("it holds a dtype that is not described as NumPy describes one")
    order, sub, names, fields, size = state[1:6]
    budget.spend(_PART_BYTES * (1 + (len(names) if isinstance(names, tuple) else 0)))
    if names is not None:
        return _measured(_structured(names, fields, size))
    if sub is not None:
        return _measured(_subarray(sub))
    if code.startswith(("M8", "m8")) and len(state) >= 9:
        code += _time_unit(state[8])
    dtype = dtype_from_code(code)
    return dtype.newbyteorder(order) if _is_text(order, "<", ">") else dtype


def _structured(names: object, fields: object, size: object) -> Dtype:
    if not (isinstance(names, tuple) and isinstance(fields, dict) and isinstance(size, int)):
        raise LegacyError("it holds a dtype whose fields are not described as NumPy does")
    if not all(isinstance(name, str) and _is_field(fields.get(name)) for name in names):
        raise LegacyError("it holds a dtype with a field that has no dtype or no offset")
    described = [fields[name] for name in names]
    return np.dtype(
        {
            "names": list(names),
            "formats": [part[0] for part in described],
            "offsets": [part[1] for part in described],
            "titles": [part[2] if len(part) > 2 else None for part in described],
            "itemsize": size,
        }
    )


def _is_field(part: object) -> bool:
    return (
        isinstance(part, tuple)
        and len(part) in (2, 3)
        and isinstance(part[0], np.dtype)
        and isinstance(part[1], int)
        and (len(part) == 2 or part[2] is None or isinstance(part[2], str))
    )


def _is_text(value: object, *allowed: str) -> bool:
    # Comparing first would compare, or hash, whatever a file put in the place of a text.
    return isinstance(value, str) and value in allowed


def _subarray(sub: object) -> Dtype:
    if not (isinstance(sub, tuple) and len(sub) == 2 and isinstance(sub[0], np.dtype)):
        raise LegacyError("it holds a dtype of subarrays that is not described as NumPy does")
    return np.dtype((sub[0], checked_shape(sub[1])))


def _time_unit(metadata: object) -> str:
    # ({metadata}, (b"ns", 25, 1, 1)) is 25 ns; the rest of the tuple is no longer used by NumPy.
    if not (isinstance(metadata, tuple) and len(metadata) == 2 and isinstance(metadata[1], tuple)):
        raise LegacyError("it holds a date dtype without a unit")
    unit, count = metadata[1][:2]
    unit = unit.decode("ascii") if isinstance(unit, bytes) else unit
    if not _is_text(unit, *_UNITS) or not isinstance(count, int):
        raise LegacyError("it holds a date dtype of an unknown unit")
    return "" if unit == "generic" else f"[{count}{unit}]"


def checked_shape(shape: object) -> tuple[int, ...]:
    """Give a shape back when it is a tuple of sizes that can be."""
    sizes = shape if isinstance(shape, tuple) else (shape,)
    if len(sizes) > 64 or not all(type(size) is int and 0 <= size < 2**63 for size in sizes):
        raise LegacyError("it declares an array of a shape that is not up to 64 sizes from 0")
    return cast(tuple[int, ...], sizes)


def _check_descr(descr: object, depth: int) -> None:
    if depth == 0:
        raise LegacyError("its header nests dtypes too deeply")
    if isinstance(descr, str):
        dtype_from_code(descr)
    elif isinstance(descr, tuple) and len(descr) == 2:
        _check_descr(descr[0], depth - 1)
        checked_shape(descr[1])
    elif isinstance(descr, list):
        for field in descr:
            if not (isinstance(field, tuple) and len(field) in (2, 3)):
                raise LegacyError("its header describes a field that is no (name, dtype)")
            _check_descr(field[1], depth - 1)
            checked_shape(field[2] if len(field) == 3 else ())
    else:
        raise LegacyError("its header describes no dtype")


def _measured(dtype: Dtype) -> Dtype:
    _count_parts(dtype, _MAX_PARTS, _MAX_DEPTH)
    if dtype.subdtype and math.prod(dtype.shape) > max(dtype.itemsize, 1):
        raise LegacyError("it holds a dtype of many elements that take no space")
    return dtype


def _count_parts(dtype: Dtype, left: int, depth: int) -> int:
    parts = [dtype.subdtype[0]] if dtype.subdtype else []
    parts += [field[0] for field in (dtype.fields or {}).values()]
    for part in parts:
        left = _count_parts(part, left - 1, depth - 1)
    if left < 0 or depth < 0:
        raise LegacyError(f"it holds a dtype of more than {_MAX_PARTS:,} fields, or nested deeply")
    return left
