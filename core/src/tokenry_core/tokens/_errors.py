"""What goes wrong with tokens, beside the errors that all of Tokenry shares."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import UnknownName, nearest


class UnknownKey(UnknownName, KeyError):
    """Tokens have no such key; the message lists those they have.

    >>> print(UnknownKey.among("sigma", ["mu", "theta", "obs"]))
    Key 'sigma' not found. Available keys: ['mu', 'theta', 'obs']
    """

    @classmethod
    def among(cls, key: object, available: Iterable[str]) -> UnknownKey:
        """Give the error for a key that is not among those available."""
        known = list(available)
        return cls(f"Key {key!r} not found. Available keys: {known}{nearest(key, known)}")


class PaddingWarning(UserWarning):
    """The widths of the keys differ so much that most of the array is padding."""
