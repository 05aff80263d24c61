"""Time contenders in turn, check that they agree, and print what came out.

>>> rows = [Row("adding", "ours", 0.5, "a loop", 2.0, target=">= 3x")]
>>> rows[0].ratio
4.0
"""

from ._timing import Figure, Row, contend, report

__version__ = "0.1.0"

__all__ = ["Figure", "Row", "contend", "report"]
