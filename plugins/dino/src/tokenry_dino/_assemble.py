"""From the features of groups of images to the fields of a batch, in the order of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tokenry_core import Array, Field, FieldSpec, Spec
from tokenry_core.errors import ConfigError

from ._config import DinoPatchConfig

if TYPE_CHECKING:
    from ._backbone import Backbone, Features

__all__ = ["Assembly", "fields_of"]

_TOLERANCE = {"float32": 0.01, "bfloat16": 0.15, "auto": 0.15}


def fields_of(config: DinoPatchConfig, backbone: Backbone) -> Spec:
    """Give the fields that a configuration makes with a backbone.

    The tolerance is that of normalised embeddings, whose values are about one.
    """
    dim, count = backbone.token_dim, backbone.registers
    if "cls" in config.outputs and not backbone.has_cls:
        raise ConfigError(f"outputs: {config.model} has no CLS token; leave cls out")
    if "registers" in config.outputs and not count:
        raise ConfigError(f"outputs: {config.model} has no registers; leave registers out")
    events = {"patches": (dim,), "cls": (dim,), "registers": (count, dim)}
    fields = [
        FieldSpec(
            f"dino_{output}",
            "dense",
            config.dtype,
            events[output],
            ragged=output == "patches",
            exact=False,
            tolerance=_TOLERANCE[config.precision],
        )
        for output in config.outputs
    ]
    # Whole numbers, as floats so that a missing row can say so.
    return Spec((*fields, FieldSpec("dino_grid", "dense", "float32", (2,))), heavy=True)


class Assembly:
    """The fields of a batch in the making; a row that nothing is added to is missing."""

    def __init__(self, spec: Spec, config: DinoPatchConfig, rows: int) -> None:
        self.spec = spec
        self.bad: dict[int, str] = {}
        self._parts: dict[str, list[Array | None]] = {
            field.name: [None] * rows for field in spec.fields
        }
        self._dtype = np.dtype(config.dtype)

    def add(self, rows: Sequence[int], features: Features, grid: Array) -> None:
        """Take the features of some rows, whose patches form a grid of rows and columns."""
        for name, parts in self._parts.items():
            if name == "dino_grid":
                for row in rows:
                    parts[row] = grid
                continue
            found: Any = getattr(features, name.removeprefix("dino_"))
            for row, value in zip(rows, found.numpy(), strict=True):
                parts[row] = self._stored(row, value)

    def fields(self) -> dict[str, Field]:
        """Give the fields of all rows."""
        return {spec.name: _field(spec, self._parts[spec.name]) for spec in self.spec.fields}

    def _stored(self, row: int, value: Array) -> Array:
        largest = float(np.abs(value).max(initial=0))
        if not np.isfinite(largest):
            self.bad[row] = "the model gave values that are not finite"
        elif largest > float(np.finfo(self._dtype).max):
            self.bad[row] = (
                f"the model gave values up to {largest:.3g}, which {self._dtype} cannot hold: set"
                " dtype to float32, or normalized to true"
            )
        else:
            return value.astype(self._dtype)
        return np.zeros_like(value, self._dtype)


def _field(spec: FieldSpec, parts: list[Array | None]) -> Field:
    """Join the rows' parts, letting go of each: a batch of large grids is held only once."""
    if spec.ragged:
        lengths = [0 if part is None else len(part) for part in parts]
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        values = np.empty((int(indptr[-1]), *spec.event), spec.dtype)
        for row, start in enumerate(indptr[:-1]):
            part, parts[row] = parts[row], None
            if part is not None:
                values[start : start + len(part)] = part
        return Field(values, indptr)
    values = np.full((len(parts), *spec.event), np.nan, spec.dtype)
    for row, part in enumerate(parts):
        if part is not None:
            values[row] = part
    return Field(values)
