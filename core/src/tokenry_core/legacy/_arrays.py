"""NumPy arrays and scalars from what a pickle holds of them, never by NumPy's own unpickling."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import LegacyError
from ._budget import Budget
from ._dtypes import Dtype, checked_shape
from ._record import Record, is_mention

Array = NDArray[Any]

# Subclasses that add behaviour but no data are read as plain arrays.
ARRAY_CLASSES = (
    "numpy.ndarray",
    "numpy.memmap",
    "numpy.matrix",
    "numpy.matrixlib.defmatrix.matrix",
    "numpy.recarray",
    "numpy.rec.recarray",
)
_LAST_CHARACTER = 0x10FFFF


def checked_count(shape: object, dtype: object, available: int, budget: Budget) -> int:
    """Give the bytes that an array takes, when no more than `available` are declared."""
    if not isinstance(dtype, np.dtype):
        raise LegacyError("it holds an array without a dtype")
    count = math.prod(checked_shape(shape))
    size = count * dtype.itemsize
    if size > available or (dtype.itemsize == 0 and count > available):
        raise LegacyError(
            f"it declares an array of shape {str(shape)[:80]} and {dtype.itemsize} bytes each, "
            f"{size:,} in all, but holds {available:,}"
        )
    budget.spend(size)
    return size


def array_from_bytes(
    raw: bytes | bytearray | memoryview, dtype: Dtype, shape: object, fortran: bool, budget: Budget
) -> Array:
    """Give a writable array of its own, in this machine's byte order, from a copy of the bytes."""
    size = checked_count(shape, dtype, len(raw), budget)
    if size != len(raw):
        raise LegacyError(f"it holds {len(raw):,} bytes for an array of {size:,}")
    if dtype.hasobject:
        raise LegacyError("it gives raw addresses for Python objects")
    sizes = checked_shape(shape)
    order: Any = "F" if fortran else "C"
    array: Array = np.ndarray(sizes, dtype, buffer=bytearray(raw), order=order)
    if dtype.kind == "U" and array.size and dtype.itemsize:
        codes = np.frombuffer(raw, np.dtype("u4").newbyteorder(dtype.byteorder))
        if codes.max() > _LAST_CHARACTER:
            raise LegacyError("it holds an array of text with characters that do not exist")
    if not dtype.isnative:
        budget.spend(size)  # few libraries take foreign byte orders, and joblib converts as well
        array = array.astype(dtype.newbyteorder("="))
    return array


def array_from_state(record: Record, state: object, budget: Budget) -> Array | None:
    """Give the array that `_reconstruct(class, ...)` with this state stands for, if it is one."""
    if not (record.args and is_mention(record.args[0], *ARRAY_CLASSES)):
        return None
    if not (isinstance(state, tuple) and len(state) in (4, 5)):
        raise LegacyError("it holds an array that is not described as NumPy describes one")
    shape, dtype, fortran, raw = state[-4:]
    if isinstance(raw, str):
        raw = raw.encode("latin-1")  # as Python 2 wrote bytes
    if isinstance(raw, list):
        return _array_of_objects(raw, dtype, shape, bool(fortran), budget)
    if not isinstance(raw, (bytes, bytearray)) or not isinstance(dtype, np.dtype):
        raise LegacyError("it holds an array without a dtype or without its bytes")
    return array_from_bytes(raw, dtype, shape, bool(fortran), budget)


def _array_of_objects(
    values: list[object], dtype: object, shape: object, fortran: bool, budget: Budget
) -> Array:
    if not isinstance(dtype, np.dtype) or not dtype.hasobject:
        raise LegacyError("it lists the values of an array that holds no Python objects")
    sizes = checked_shape(shape)
    if math.prod(sizes) != len(values):
        raise LegacyError(f"it lists {len(values):,} values for an array of shape {sizes}")
    budget.spend(len(values) * dtype.itemsize)
    array: Array = np.empty(len(values), dtype)
    nested = 0
    for place, value in enumerate(values):
        nested = max(nested, _checked_nesting(value, dtype, budget))
        array[place] = value
    array = array.reshape(sizes, order="F" if fortran else "C")
    budget.note_nesting(array, nested + 1)
    return array


def _checked_nesting(value: object, dtype: Dtype, budget: Budget) -> int:
    """Give how deep arrays nest in a value that may be stored as it is, without conversions."""
    if dtype.kind == "O":
        return budget.nesting(value)
    if dtype.fields:
        if not isinstance(value, tuple) or len(value) != len(dtype.names or ()):
            raise LegacyError("it holds a structured array with a row of other fields")
        kinds = [dtype.fields[name][0] for name in dtype.names or ()]
        return max(_checked_nesting(*pair, budget) for pair in zip(value, kinds, strict=True))
    # Converting a container to text would spell out what a shared one stands for.
    if not isinstance(value, (bool, int, float, complex, str, bytes)) or dtype.subdtype:
        raise LegacyError(f"it holds a structured array with a {type(value).__name__} as {dtype}")
    return 0


def array_from_buffer(args: tuple[object, ...], budget: Budget) -> Array:
    """Give the array of `numpy.core.numeric._frombuffer`, as pickle protocol 5 writes arrays."""
    raw, dtype, shape, order = args[:4]
    if not isinstance(raw, (bytes, bytearray)) or not isinstance(dtype, np.dtype):
        raise LegacyError("it holds an array without a dtype or without its bytes")
    if order != "K":
        return array_from_bytes(raw, dtype, shape, order == "F", budget)
    array = array_from_bytes(raw, dtype, shape, False, budget)
    return array.transpose(cast(Any, args[4])) if len(args) > 4 and args[4] is not None else array


def scalar_from_bytes(args: tuple[object, ...], budget: Budget) -> object:
    """Give the scalar of `numpy.core.multiarray.scalar`."""
    dtype, raw = args if len(args) == 2 else (None, None)
    if isinstance(raw, str):
        raw = raw.encode("latin-1")
    if not isinstance(raw, bytes) or not isinstance(dtype, np.dtype):
        raise LegacyError("it holds a NumPy scalar without a dtype or without its bytes")
    if dtype.itemsize == 0 and dtype.kind in "SU":
        return dtype.type()
    return array_from_bytes(raw, dtype, (), False, budget)[()]
