"""Which array library holds an array; a library is touched only when it is already imported."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias, TypeVar

import numpy as np

from ..errors import ConfigError, ShapeError

Array: TypeAlias = Any
"""A NumPy array, a torch tensor or a JAX array."""

_F = TypeVar("_F", bound=Callable[..., Any])

_NUMPY = (np.ndarray, np.generic, int, float, complex)

DYNAMIC = "Dynamic shape detected in JIT context. Ensure all shapes are statically known."


def constant_under_compile(function: _F) -> _F:
    """Mark a function of plain tuples and text, whose result torch.compile then takes as it is.

    The mark is the one that `torch.compiler.assume_constant_result` sets; set here, torch need
    not be there.
    """
    function._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return function


def uncached_under_compile(cached: Any) -> Any:
    """Give a cached function, or the bare one where torch traces: it would trace the cache."""
    torch = sys.modules.get("torch")
    tracing = torch is not None and torch.compiler.is_compiling()
    return cached.__wrapped__ if tracing else cached


def is_torch(array: Array) -> bool:
    """Tell whether this is a torch tensor, without importing torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(array, torch.Tensor)


def is_jax(array: Array) -> bool:
    """Tell whether this is a JAX array or tracer, without importing JAX."""
    jax = sys.modules.get("jax")
    return jax is not None and isinstance(array, jax.Array)


def is_traced(array: Array) -> bool:
    """Tell whether this stands for a value that is known only when a jitted function runs."""
    jax = sys.modules.get("jax")
    return jax is not None and isinstance(array, jax.core.Tracer)


def is_array(value: object) -> bool:
    """Tell whether this is an array of some library, or a number."""
    if isinstance(value, _NUMPY):
        return True
    return hasattr(value, "shape") and hasattr(value, "dtype")


def namespace(arrays: Iterable[Array]) -> Any:
    """Give the array-API namespace that these share; NumPy arrays follow the other library.

    >>> import numpy as np
    >>> namespace([np.zeros(3), 1.0]) is np
    True
    """
    found: dict[str, Any] = {}
    for array in arrays:
        if isinstance(array, _NUMPY):
            continue
        if is_torch(array):
            import array_api_compat.torch

            found["torch"] = array_api_compat.torch
        elif is_jax(array):
            found["jax"] = sys.modules["jax"].numpy
        else:
            import array_api_compat

            space = array_api_compat.array_namespace(array)
            found[space.__name__] = space
    if len(found) > 1:
        raise ConfigError(
            f"Arrays of {' and '.join(sorted(found))} cannot be mixed. "
            "Convert them to one library first."
        )
    return next(iter(found.values()), np)


def as_arrays(arrays: Sequence[Array]) -> tuple[Any, list[Array]]:
    """Give the shared namespace and the arrays in it, NumPy ones and numbers converted."""
    if all(type(array) is np.ndarray for array in arrays):
        return np, list(arrays)
    xp = namespace(arrays)
    if xp is np:
        return np, [np.asarray(array) for array in arrays]
    like = next(array for array in arrays if not isinstance(array, _NUMPY))
    return xp, [
        constant(np.asarray(array), like) if isinstance(array, _NUMPY) else array
        for array in arrays
    ]


def constant(array: np.ndarray[Any, Any], like: Array) -> Array:
    """Give a NumPy array in the library, and on the device, of another array."""
    if is_torch(like):
        torch = sys.modules["torch"]
        if not torch.compiler.is_compiling() and not array.flags.writeable:
            array = array.copy()  # torch warns of memory that it may not write to
        return torch.asarray(array, device=like.device)
    if is_jax(like):
        return sys.modules["jax"].numpy.asarray(array)
    return array


def in_library_of(like: Array, array: Array) -> Array:
    """Give an array as it is, or a NumPy array in the library of another."""
    return constant(array, like) if isinstance(array, np.ndarray) else array


def broadcast_constant(array: np.ndarray[Any, Any], shape: Sequence[int], like: Array) -> Array:
    """Give a NumPy array repeated along leading axes, without storing the repeats."""
    if is_torch(like):
        return constant(array, like).expand(tuple(shape))
    if is_jax(like):
        return sys.modules["jax"].numpy.broadcast_to(array, tuple(shape))
    # What np.broadcast_to gives, at a fifth of its fixed cost.
    strides = (0,) * (len(shape) - array.ndim) + array.strides
    view: Array = np.ndarray(tuple(shape), array.dtype, array, 0, strides)
    view.setflags(write=False)
    return view


def cast(array: Array, dtype: object) -> Array:
    """Give an array with another dtype, named as NumPy, torch or JAX name it."""
    name = dtype_name(dtype)
    if is_torch(array):
        return array.to(getattr(sys.modules["torch"], name))
    if is_jax(array):
        return array.astype(name)
    return np.asarray(array).astype(name, copy=False)


def dtype_name(dtype: object) -> str:
    """Give the plain name of a dtype: `bool`, `float32`, `bfloat16`, ...

    >>> dtype_name(bool), dtype_name(np.float32), dtype_name("int32")
    ('bool', 'float32', 'int32')
    """
    if isinstance(dtype, type) and dtype in (bool, int, float):
        return {bool: "bool", int: "int64", float: "float32"}[dtype]
    text = str(dtype)
    if text.startswith("torch."):
        return text.removeprefix("torch.")
    return text if text == "bfloat16" else str(np.dtype(dtype))  # type: ignore[call-overload]


def static_int(value: object, name: str) -> int:
    """Give a whole number that must be known before anything runs.

    >>> static_int(2, "sample_ndims")
    2
    """
    if is_traced(value):
        raise ShapeError(f"{DYNAMIC} {name!r} depends on traced values.")
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
        raise ConfigError(f"{name} is {value!r}; it must be a whole number, 0 or more.")
    return int(value)


def static_shape(array: Array, name: str) -> tuple[int, ...]:
    """Give an array's shape, refusing sizes that depend on traced values."""
    shape: tuple[int, ...] = tuple(array.shape)
    if type(array) is np.ndarray:
        return shape
    if all(type(size) is int for size in shape):
        return shape
    if any(is_traced(size) or not isinstance(size, int | np.integer) for size in shape):
        raise ShapeError(f"{DYNAMIC} {name!r} has shape {shape}.")
    return tuple(int(size) for size in shape)


def concat(arrays: Sequence[Array], axis: int, xp: Any) -> Array:
    """Join arrays along an axis; one array is given back as it is."""
    if len(arrays) == 1:
        return arrays[0]
    join: Callable[..., Array] = xp.concatenate if xp is np else xp.concat
    return join(tuple(arrays), axis=axis)
