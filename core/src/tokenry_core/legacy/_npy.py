"""The `.npy` format: a header, then raw bytes or, for Python objects, a pickle."""

from __future__ import annotations

import ast
import re
from io import BytesIO

import numpy as np

from ..errors import LegacyError
from ._arrays import Array, array_from_bytes
from ._budget import Budget
from ._dtypes import Dtype, checked_shape, dtype_from_descr
from ._machine import Machine

MAGIC = b"\x93NUMPY"
_MAX_HEADER = 64 * 1024
_KEYS = {"descr", "fortran_order", "shape"}


def array_from_npy(data: bytes, budget: Budget) -> Array:
    """Give the array of a whole `.npy` file."""
    dtype, shape, fortran, start = _header(data)
    if not dtype.hasobject:
        return array_from_bytes(memoryview(data)[start:], dtype, shape, fortran, budget)
    array = unpickled(data, budget, start)
    if not isinstance(array, np.ndarray) or array.dtype != dtype:
        raise LegacyError(f"it declares an array of {dtype}, but holds a {type(array).__name__}")
    if array.shape != shape:
        raise LegacyError(f"it declares an array of shape {shape}, but holds {array.shape}")
    return array


def unpickled(data: bytes, budget: Budget, start: int = 0) -> object:
    """Give what one whole pickle holds, as data and records."""
    stream = BytesIO(data)
    stream.seek(start)
    found = Machine(stream, budget).run()
    left = len(data) - stream.tell()
    if left:
        raise LegacyError(f"{left:,} bytes follow its pickle: it may be several in one file")
    return found


def _header(data: bytes) -> tuple[Dtype, tuple[int, ...], bool, int]:
    version = data[6:7]
    wide = 2 if version == b"\x01" else 4
    if version not in (b"\x01", b"\x02", b"\x03") or len(data) < 8 + wide:
        raise LegacyError(f"it is a .npy of version {version!r}, or cut short")
    start = 8 + wide + int.from_bytes(data[8 : 8 + wide], "little")
    if start > min(len(data), _MAX_HEADER):
        raise LegacyError(f"its .npy header claims {start:,} bytes")
    text = data[8 + wide : start].decode("utf-8" if version == b"\x03" else "latin-1")
    # Python 2 wrote sizes as 10L.
    header = ast.literal_eval(re.sub(r"(?<=\d)L\b", "", text).strip())
    if not isinstance(header, dict) or set(header) != _KEYS:
        raise LegacyError("its .npy header does not give descr, fortran_order and shape")
    shape = checked_shape(header["shape"])
    return dtype_from_descr(header["descr"]), shape, bool(header["fortran_order"]), start
