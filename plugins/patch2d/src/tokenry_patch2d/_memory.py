"""Fresh output memory that is cheap to touch first."""

from __future__ import annotations

import ctypes
import mmap
import sys
from functools import cache

import torch

__all__ = ["fresh"]

HUGE_PAGE = 2 << 20
ADVISED_FROM = 4 * HUGE_PAGE  # smaller blocks often come from memory that is mapped already


def fresh(shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    """Give an uninitialised host tensor; a large one is asked to sit on huge pages.

    Touching new memory costs one page fault per page, and with 4 KiB pages this is most of the time
    of writing a large tensor once.
    """
    tensor = torch.empty(shape, dtype=dtype, device="cpu")
    size = tensor.numel() * tensor.element_size()
    if size >= ADVISED_FROM and (advise := _madvise()) is not None:
        first = -(-tensor.data_ptr() // HUGE_PAGE) * HUGE_PAGE
        whole = (tensor.data_ptr() + size - first) // HUGE_PAGE * HUGE_PAGE
        advise(first, whole, mmap.MADV_HUGEPAGE)  # only advice: a refusal changes nothing
    return tensor


@cache
def _madvise() -> ctypes._NamedFuncPointer | None:
    if not sys.platform.startswith("linux") or not hasattr(mmap, "MADV_HUGEPAGE"):
        return None
    try:
        advise = ctypes.CDLL(None).madvise
    except (AttributeError, OSError):
        return None
    advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    return advise
