"""What reading one file may cost, so that a small file cannot ask for the whole machine."""

from __future__ import annotations

import numpy as np

from ..errors import LegacyError
from ._record import Record

# A container, a memo entry or a record costs some tens of bytes for the one byte that asks for it.
PER_STEP = 64
# Hashes of numbers can be made to collide, which makes n insertions cost n * n; text cannot.
KEY_WORK = 2_000_000_000
KEY_PARTS = 1_000
# NumPy frees an array inside an array inside an array ... recursively, on the C stack.
MAX_NESTED_ARRAYS = 50
_PLAIN_KEYS = (str, bytes, float, complex, type(None), np.generic, Record)


class Budget:
    """Bytes that reading may still take, and work that dictionary keys may still cause."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.left = max_bytes
        self._key_work = KEY_WORK
        self._nesting: dict[int, tuple[object, int]] = {}

    def spend(self, size: int) -> None:
        """Take `size` bytes from what is left, before they are allocated."""
        self.left -= size
        if self.left < 0:
            raise LegacyError(
                f"what it holds would take more than {self.max_bytes:,} bytes of memory. "
                "If you trust it to be that large, pass a larger max_bytes"
            )

    def admit_key(self, key: object, among: int) -> None:
        """Check that a key of a dict, or a member of a set, of `among` entries is cheap to hash."""
        if isinstance(key, (str, bytes)):
            return
        _count_parts(key, KEY_PARTS)
        self._key_work -= among + 1
        if self._key_work < 0:
            raise LegacyError("it holds dicts or sets of too many keys that are not text")

    def nesting(self, value: object) -> int:
        """Give how many arrays of objects lie inside one another in this value."""
        return self._nesting.get(id(value), (None, 0))[1]

    def note_nesting(self, array: object, depth: int) -> None:
        """Remember how deep arrays nest in this one; too deep is refused."""
        if depth > MAX_NESTED_ARRAYS:
            raise LegacyError(f"it nests arrays more than {MAX_NESTED_ARRAYS} deep")
        # The array is kept beside its depth, so that its id cannot become another's.
        self._nesting[id(array)] = (array, depth)


def _count_parts(key: object, left: int) -> int:
    # Tuples do not cache their hash, and shared ones can stand for 2**n parts: count, with a limit.
    if isinstance(key, (tuple, frozenset)):
        for part in key:
            left = _count_parts(part, left - 1)
    elif isinstance(key, int):
        left -= key.bit_length() // 64
    elif isinstance(key, np.void) or not isinstance(key, _PLAIN_KEYS):
        raise LegacyError(f"it uses a {type(key).__name__} as the key of a dict or member of a set")
    if left < 0:
        raise LegacyError(f"it uses a key of more than {KEY_PARTS:,} parts")
    return left
