"""What a record becomes when its state arrives: a dtype, an array, or a joblib array."""

from __future__ import annotations

from io import SEEK_END, BytesIO
from typing import TYPE_CHECKING

import numpy as np

from ..errors import LegacyError
from ._arrays import ARRAY_CLASSES, Array, array_from_bytes, array_from_state, checked_count
from ._dtypes import dtype_from_pickle
from ._record import Record, is_mention

if TYPE_CHECKING:
    from ._machine import Machine

_JOBLIB_WRAPPER = ".numpy_pickle.NumpyArrayWrapper"
_JOBLIB_HOMES = ("joblib", "sklearn.externals.joblib")


def built(record: Record, state: object, machine: Machine) -> object:
    """Give what the record stands for with this state, or None when it stays a record."""
    if record.name == "numpy.dtype":
        return dtype_from_pickle(record, state, machine.budget)
    if record.name in ("numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct"):
        return array_from_state(record, state, machine.budget)
    if record.name in {home + _JOBLIB_WRAPPER for home in _JOBLIB_HOMES}:
        return _joblib_array(state, machine)
    return None


def _joblib_array(state: object, machine: Machine) -> Array:
    """Read the array whose bytes joblib puts into the stream, right behind its description."""
    if not isinstance(state, dict) or not is_mention(state.get("subclass"), *ARRAY_CLASSES):
        raise LegacyError("it holds an array that is not described as joblib describes one")
    shape, dtype = state.get("shape"), state.get("dtype")
    if isinstance(dtype, np.dtype) and dtype.hasobject:
        return _joblib_objects(machine)
    if state.get("numpy_array_alignment_bytes") is not None:
        _skip_padding(machine.stream)
    size = checked_count(shape, dtype, _remaining(machine.stream), machine.budget)
    assert isinstance(dtype, np.dtype)
    raw = machine.stream.read(size)
    return array_from_bytes(raw, dtype, shape, state.get("order") == "F", machine.budget)


def _joblib_objects(machine: Machine) -> Array:
    # The bytes of Python objects would mean nothing: a whole pickle follows instead.
    found = machine.run_inner()
    if not isinstance(found, np.ndarray):
        raise LegacyError(f"it holds a {type(found).__name__} where it declares an array")
    return found


def _skip_padding(stream: BytesIO) -> None:
    length = stream.read(1)
    if not length or len(stream.read(length[0])) != length[0]:
        raise LegacyError("it ends before the bytes of an array")


def _remaining(stream: BytesIO) -> int:
    here = stream.tell()
    end = stream.seek(0, SEEK_END)
    stream.seek(here)
    return end - here
