from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tokenry_core.legacy import Record

FIXTURES = Path(__file__).parent / "fixtures"


def _same(a: object, b: object) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        if not b.dtype.isnative:
            b = b.astype(b.dtype.newbyteorder("="))
        if a.dtype != b.dtype or a.shape != b.shape:
            return False
        if a.dtype.hasobject:
            return all(_same(x, y) for x, y in zip(a.tolist(), b.tolist(), strict=True))
        return a.tobytes() == b.tobytes()
    if isinstance(a, np.generic) or isinstance(b, np.generic):
        return type(a) is type(b) and a.dtype == b.dtype and a.tobytes() == b.tobytes()
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(_same, a, b))
    return type(a) is type(b) and (a == b or (a != a and b != b))


@pytest.fixture(scope="session")
def same() -> Callable[[object, object], bool]:
    """Deep equality of types, dtypes, order and bytes, but not of byte orders and dict classes."""
    return _same


@pytest.fixture(scope="session")
def legacy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("legacy")


@pytest.fixture(scope="session")
def save(legacy_folder: Path) -> Callable[..., Path]:
    """Write bytes to a file of that name and give its path."""

    def write(data: bytes, name: str = "x.pkl") -> Path:
        path = legacy_folder / name
        path.write_bytes(data)
        return path

    return write


@pytest.fixture
def fixture_path() -> Callable[[str], Path]:
    """Give the path of a file that an old NumPy, joblib or scikit-learn wrote."""
    return lambda name: FIXTURES / name


@pytest.fixture(scope="session")
def flatten() -> Callable[[object], list[object]]:
    """List everything that a value holds, each object once, without recursion."""

    def walk(value: object) -> list[object]:
        seen: dict[int, object] = {}
        todo = [value]
        while todo:
            item = todo.pop()
            if id(item) in seen:
                continue
            seen[id(item)] = item
            if isinstance(item, dict):
                todo += [*item.keys(), *item.values()]
            elif isinstance(item, (list, tuple, set, frozenset)):
                todo += item
            elif isinstance(item, Record):
                todo += [item.args, item.state, item.items]
            elif isinstance(item, np.ndarray) and item.dtype.kind == "O":
                todo += item.ravel().tolist()
        return list(seen.values())

    return walk
