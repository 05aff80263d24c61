"""Names of columns inside a state, which holds nothing but arrays."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

State = Mapping[str, NDArray[Any]]


def pack_names(names: Sequence[str]) -> NDArray[np.uint8]:
    """Give names as an array of bytes."""
    return np.frombuffer(json.dumps(list(names)).encode(), np.uint8).copy()


def names_of(state: State) -> tuple[str, ...]:
    """Give the names of the columns that a state is about."""
    return tuple(json.loads(state["scalar_cols"].tobytes()))
