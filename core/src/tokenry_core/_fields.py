"""What a tokenizer promises about its output, and the arrays that keep the promise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .errors import ConfigError

__all__ = ["Array", "Field", "FieldSpec", "Spec", "token_dtype"]

Array = NDArray[Any]


def token_dtype(codes: int) -> np.dtype[Any]:
    """Give the smallest dtype that holds the ids 0 to codes - 1 and the missing id `codes`.

    >>> token_dtype(1024), token_dtype(65_536)
    (dtype('uint16'), dtype('uint32'))
    """
    for dtype in (np.dtype(np.uint16), np.dtype(np.uint32)):
        if codes <= np.iinfo(dtype).max:
            return dtype
    raise ConfigError(f"{codes} codes were asked for; at most {2**32 - 1} are possible")


class Field(NamedTuple):
    """The values of one field of a batch.

    `values` is (rows, *event); of a ragged field it is (total, *event), and row i is
    `values[indptr[i]:indptr[i + 1]]`.
    """

    values: Array
    indptr: Array | None = None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.values) if self.indptr is None else len(self.indptr) - 1


@dataclass(frozen=True)
class FieldSpec:
    """What one field holds: a name, a dtype, the shape of one row, and how far to trust it.

    A `discrete` field holds ids 0 to codes - 1; the id `codes` means missing. A `dense` field
    holds floats; NaN means missing. A row of a `ragged` field is missing when it is empty, or when
    all that it holds is missing. `exact=False` says that
    values may differ by `tolerance` (dense) or near a decision boundary (discrete) between batch
    sizes or machines.

    >>> FieldSpec.tokens("scalar_tokens", codes=1024, event=(3,)).dtype
    'uint16'
    """

    name: str
    kind: Literal["discrete", "dense"]
    dtype: str
    event: tuple[int, ...] = ()
    ragged: bool = False
    codes: int = 0
    exact: bool = True
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        kind = _dtype_kind(self.name, self.dtype)
        if self.kind not in ("discrete", "dense"):
            raise ConfigError(
                f'field "{self.name}": {self.kind!r} is no kind; allowed are "discrete" and "dense"'
            )
        if not all(isinstance(size, int) and size > 0 for size in self.event):
            raise ConfigError(
                f'field "{self.name}": event {self.event} has to be a tuple of positive sizes'
            )
        if self.kind == "discrete" and (kind != "u" or self.codes < 1):
            raise ConfigError(
                f'field "{self.name}": a discrete field has an unsigned dtype and at least one'
                f" code; given were dtype {self.dtype} and {self.codes} codes"
            )
        if self.kind == "discrete" and self.codes > np.iinfo(self.dtype).max:
            raise ConfigError(
                f'field "{self.name}": {self.dtype} cannot hold the missing id {self.codes};'
                f" use {token_dtype(self.codes)}"
            )
        if self.kind == "dense" and kind not in "fiu":
            raise ConfigError(f'field "{self.name}": {self.dtype} is no numeric dtype')

    @classmethod
    def tokens(
        cls,
        name: str,
        *,
        codes: int,
        event: tuple[int, ...] = (),
        ragged: bool = False,
        exact: bool = True,
    ) -> FieldSpec:
        """Describe a field of token ids, with the dtype that fits."""
        dtype = token_dtype(codes).name
        return cls(name, "discrete", dtype, event, ragged, codes, exact)

    @property
    def size(self) -> int:
        """Number of values in one row (of a ragged field: in one point)."""
        return math.prod(self.event)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys under which a `TokenBatch` shows this field."""
        return (f"{self.name}_flat", f"{self.name}_indptr") if self.ragged else (self.name,)


@dataclass(frozen=True)
class Spec:
    """What a tokenizer makes of a batch: its fields, in order.

    `heavy` says that encoding needs a model worth keeping loaded, so that engines give it
    workers of its own.
    """

    fields: tuple[FieldSpec, ...]
    heavy: bool = False

    def __post_init__(self) -> None:
        taken: set[str] = {"ids", "id_col"}
        for field in self.fields:
            keys = {field.name, *field.keys}
            if taken & keys:
                raise ConfigError(
                    f'field "{field.name}": the key {min(taken & keys)} is taken already; fields'
                    " of a spec have different names"
                )
            taken |= keys

    def __getitem__(self, name: str) -> FieldSpec:
        for field in self.fields:
            if field.name == name:
                return field
        known = [field.name for field in self.fields]
        raise KeyError(f"{name}: no such field; there are: {', '.join(known)}")


def _dtype_kind(name: str, dtype: str) -> str:
    try:
        return np.dtype(dtype).kind
    except TypeError:
        raise ConfigError(f'field "{name}": {dtype!r} is no dtype of NumPy') from None
