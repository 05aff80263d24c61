"""timm, importable also where torchvision's compiled operators do not load.

timm imports torchvision, whose Python side attaches metadata to the operators `nms` and `qnms` of
its compiled library. Where that library does not load (a CPU build of torch beside a CUDA build of
torchvision, say) the import fails, although no vision transformer needs either operator. Declaring
their schemas is then enough.
"""

from __future__ import annotations

import importlib
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["import_timm"]

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_declared: list[Any] = []  # torch forgets the schemas with the object that declared them


@cache
def import_timm() -> Any:
    """Give the module `timm`."""
    if "torchvision" not in sys.modules and _operators_missing():
        _declare()
    return importlib.import_module("timm")


def _operators_missing() -> bool:
    """Whether torchvision is there and its compiled library is not."""
    import torch

    ops: Any = torch.ops
    spec = find_spec("torchvision")
    if spec is None or spec.origin is None:
        return False
    for library in Path(spec.origin).parent.glob("_C*"):
        if library.suffix in (".so", ".pyd", ".dylib"):
            try:
                ops.load_library(str(library))
            except (OSError, RuntimeError):
                continue
            return False
    return True


def _declare() -> None:
    import torch

    declare: Any = torch.library.Library
    library = declare("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, name):
            library.define(name + _SCHEMA)
    _declared.append(library)
