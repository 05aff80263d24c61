"""TokenCache: what a frozen backbone made of an image, kept by the image's content."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tokenry_core import Array, write_atomically

__all__ = ["TokenCache"]

_DIGESTS, _TOKENS = ".digests.npy", ".tokens.npy"


class TokenCache:
    """Tokens by the SHA-256 of their image, in files that are mapped and never loaded whole.

    `folder` is one backbone's own: its name holds the fingerprint of all that decides tokens.
    Each `add` writes one pair of files, digests last, so that a writer may be killed at any point
    and several may write at once. Without a folder the tokens stay in memory.

    >>> cache = TokenCache(None)
    >>> cache.add([b"a" * 32, b"b" * 32], np.zeros((2, 5, 4), np.float32))
    >>> cache.missing([b"b" * 32, b"c" * 32])
    [b'cccccccccccccccccccccccccccccccc']
    >>> cache.gather(cache.places([b"b" * 32])).shape
    torch.Size([1, 5, 4])
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._chunks: list[Tensor] = []
        self._buffer: Tensor | None = None
        self._places: dict[bytes, tuple[int, int]] = {}
        for path in sorted(folder.glob(f"*{_DIGESTS}")) if folder is not None else ():
            self._read(path)

    def __len__(self) -> int:
        return len(self._places)

    def missing(self, digests: Sequence[bytes]) -> list[bytes]:
        """Give those that are not there, each once, in order."""
        return [digest for digest in dict.fromkeys(digests) if digest not in self._places]

    def add(self, digests: Sequence[bytes], tokens: Array) -> None:
        """Keep the tokens (n, tokens, dim) of n images."""
        if self.folder is not None:
            stem = os.urandom(12).hex()
            write_atomically(self.folder / f"{stem}{_TOKENS}", _npy(tokens))
            names = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 32)
            self._read(write_atomically(self.folder / f"{stem}{_DIGESTS}", _npy(names)))
        else:
            self._take(digests, tokens)

    def places(self, digests: Sequence[bytes]) -> Array:
        """Give where the tokens of images are, (n, 2): chunk, and row in it."""
        return np.array([self._places[digest] for digest in digests], np.int64).reshape(-1, 2)

    def gather(self, places: Array) -> Tensor:
        """Give the tokens at places (..., 2), as (..., tokens, dim).

        They lie in memory that the next call uses again: to have it new each time would cost
        several times what copying does.
        """
        flat = places.reshape(-1, 2)
        found = self._room(len(flat))
        for chunk in np.unique(flat[:, 0]):
            here = np.flatnonzero(flat[:, 0] == chunk)
            rows = torch.from_numpy(flat[here, 1])
            if len(here) == len(flat):
                torch.index_select(self._chunks[chunk], 0, rows, out=found)
            else:
                found[torch.from_numpy(here)] = self._chunks[chunk][rows]
        return found.view(*places.shape[:-1], *found.shape[1:])

    def _room(self, rows: int) -> Tensor:
        """Give memory for the tokens of so many images."""
        if self._buffer is None or len(self._buffer) < rows:
            first = self._chunks[0]
            self._buffer = torch.empty((rows, *first.shape[1:]), dtype=first.dtype)
        return self._buffer[:rows]

    def _read(self, path: Path) -> None:
        tokens = path.with_name(path.name.removesuffix(_DIGESTS) + _TOKENS)
        try:
            names = np.load(path, allow_pickle=False)
            # Copy-on-write: torch has no read-only tensors, and nobody writes.
            values = np.load(tokens, mmap_mode="c", allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return  # a damaged file holds nothing; its images are computed again
        if names.shape == (len(values), 32) and names.dtype == np.uint8:
            self._take([name.tobytes() for name in names], values)

    def _take(self, digests: Sequence[bytes], tokens: Array) -> None:
        for row, digest in enumerate(digests):
            self._places.setdefault(digest, (len(self._chunks), row))
        self._chunks.append(torch.from_numpy(tokens))


def _npy(array: Array) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()
