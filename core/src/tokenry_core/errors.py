"""The error family: every error is a `TokenryError` and the built-in error it resembles.

A message says what was given, what is allowed, and what to do next; it is written for the person
who made the mistake.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = [
    "AmbiguousName",
    "ArtifactError",
    "BadRows",
    "BrokenPlugin",
    "ConfigError",
    "DataError",
    "IncompatiblePlugin",
    "LegacyError",
    "MissingColumn",
    "NotTrained",
    "ShapeError",
    "TokenryError",
    "UnknownName",
    "nearest",
]


class TokenryError(Exception):
    """Base of every error that Tokenry raises on purpose."""

    def __str__(self) -> str:
        # LookupError would show the repr of its argument.
        return str(self.args[0]) if self.args else ""


class ConfigError(TokenryError, ValueError):
    """A configuration or argument is not what the documentation allows."""


class ShapeError(TokenryError, ValueError):
    """An array does not have the shape that was promised or asked for."""


class DataError(TokenryError, ValueError):
    """Data that was given cannot be used as it is."""


class MissingColumn(DataError, LookupError):
    """A table lacks a column that is needed."""


class BadRows(DataError):
    """Some rows cannot be encoded; `rows` maps each row number of the batch to its reason.

    >>> error = BadRows({3: "flux has 7 points, ivar has 9"})
    >>> print(error)
    1 row cannot be encoded: row 3: flux has 7 points, ivar has 9
    >>> error.rows
    {3: 'flux has 7 points, ivar has 9'}
    """

    def __init__(self, rows: Mapping[int, str]) -> None:
        self.rows = dict(rows)
        super().__init__(self.rows)

    def __str__(self) -> str:
        shown = "; ".join(f"row {row}: {why}" for row, why in list(self.rows.items())[:3])
        more = f"; and {len(self.rows) - 3} more" if len(self.rows) > 3 else ""
        noun = "row" if len(self.rows) == 1 else "rows"
        return f"{len(self.rows)} {noun} cannot be encoded: {shown}{more}"


class NotTrained(TokenryError, RuntimeError):
    """The tokenizer has to be trained, or loaded, before this."""


class ArtifactError(TokenryError, ValueError):
    """A file is not a whole, current artifact."""


class LegacyError(TokenryError, ValueError):
    """A legacy file holds something that cannot be read without running its code."""


class UnknownName(TokenryError, LookupError):
    """No plugin provides a name."""


class AmbiguousName(TokenryError, LookupError):
    """More than one distribution provides a name."""


class BrokenPlugin(TokenryError, ImportError):
    """A plugin was found but cannot be imported."""


class IncompatiblePlugin(TokenryError, TypeError):
    """A plugin follows another version of the contract, or none."""


def nearest(word: object, known: Iterable[str]) -> str:
    """Give a sentence that names the closest known word, or nothing.

    >>> nearest("nbins", ["n_bins", "missing"])
    ' Did you mean "n_bins"?'
    >>> nearest("zzz", ["n_bins"])
    ''
    """
    import difflib  # needed only where something went wrong

    found = difflib.get_close_matches(str(word), list(known), n=1)
    return f' Did you mean "{found[0]}"?' if found else ""
