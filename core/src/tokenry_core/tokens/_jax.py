"""Tokens as JAX sees them: a pytree whose arrays are leaves and whose layout is static.

JAX knows a class only once it is registered, and Tokens made from NumPy arrays may enter `jit`
without any of our code running first. So the class is registered as soon as both it and JAX are
there, whichever comes last; JAX itself is never imported here.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_waiting: list[Callable[[Any], None]] = []


def when_jax_is_there(register: Callable[[Any], None]) -> None:
    """Call with `jax.tree_util` now, or right after somebody imports JAX."""
    tree_util = sys.modules.get("jax.tree_util")
    if tree_util is not None:
        register(tree_util)
        return
    if not _waiting:
        sys.meta_path.insert(0, _JaxImport())
    _waiting.append(register)


class _JaxImport(MetaPathFinder):
    """Finds JAX as anybody would, and steps out of the way once it was really imported."""

    looking = False

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "jax" or self.looking:
            return None
        self.looking = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self.looking = False
        if spec is None or spec.loader is None:
            return None
        run = spec.loader.exec_module

        def run_and_register(module: ModuleType) -> None:
            run(module)
            if self in sys.meta_path:
                sys.meta_path.remove(self)
            while _waiting:
                _waiting.pop(0)(sys.modules["jax.tree_util"])

        spec.loader.exec_module = run_and_register  # type: ignore[method-assign]
        return spec
