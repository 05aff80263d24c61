"""Undoes joblib's whole-file compression, never past what may be taken."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Protocol

from ..errors import LegacyError
from ._budget import Budget

_LZMA_MEMORY = 256 * 2**20
_SLICE = 2**18
_CHUNK = 2**22


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


def _lzma() -> _Decompressor:
    return lzma.LZMADecompressor(memlimit=_LZMA_MEMORY)


# None of these can begin a pickle: their second byte is no opcode, or their first is none.
_KINDS: tuple[tuple[bytes, str, Callable[[], _Decompressor]], ...] = (
    (b"\x78", "zlib", zlib.decompressobj),
    (b"\x1f\x8b", "gzip", lambda: zlib.decompressobj(31)),
    (b"BZ", "bz2", bz2.BZ2Decompressor),
    (b"\xfd7zXZ", "xz", _lzma),
    (b"\x5d\x00", "lzma", _lzma),
)
_UNREADABLE = {
    b"\x04\x22\x4d\x18": "it is compressed with lz4",
    b"ZF": "it was written by joblib before 0.10, which keeps arrays in files of their own",
}


def decompressed(data: bytes, budget: Budget) -> bytes:
    """Give the bytes of a file as they were before joblib compressed them, if it did."""
    for magic, why in _UNREADABLE.items():
        if data.startswith(magic):
            raise LegacyError(
                f"{why}. Load it where it was made, and dump it again with compress=0"
            )
    for magic, kind, start in _KINDS:
        if data.startswith(magic):
            return _inflate(data, kind, start(), budget)
    return data


def _inflate(data: bytes, kind: str, machine: _Decompressor, budget: Budget) -> bytes:
    parts = []
    for start in range(0, len(data), _SLICE):
        piece = data[start : start + _SLICE]
        while True:
            part = machine.decompress(piece, _CHUNK)
            budget.spend(len(part))
            parts.append(part)
            if machine.eof:
                _refuse_rest(kind, machine.unused_data or data[start + _SLICE :])
                return b"".join(parts)
            # zlib hands back what it has not used yet; the others keep it themselves.
            piece = getattr(machine, "unconsumed_tail", b"")
            if not piece and len(part) < _CHUNK:
                break
    raise LegacyError(f"its {kind} stream ends too soon: the file is cut short")


def _refuse_rest(kind: str, rest: bytes) -> None:
    if rest:
        raise LegacyError(f"{len(rest):,} bytes or more follow its {kind} stream")
