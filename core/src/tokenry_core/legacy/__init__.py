"""Reads the pickled files of older scripts without ever running what they hold."""

from ._read import read_legacy
from ._record import Record

__all__ = ["Record", "read_legacy"]
