"""One page about a run: what it did, how the tokens look, and whether the data has drifted."""

from ._drift import stability
from ._write import write_report

__all__ = ["stability", "write_report"]
