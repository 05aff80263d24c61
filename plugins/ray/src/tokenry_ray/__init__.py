"""The distributed engine, on Ray: the same run file on one machine or many.

Importing this package does not import ray: every name is loaded when it is first used.
"""

from typing import TYPE_CHECKING

from tokenry_core._lazy import lazy_names

if TYPE_CHECKING:
    from ._config import RayConfig as RayConfig
    from ._cost import Estimate as Estimate
    from ._cost import estimate as estimate
    from ._datasets import map_batches as map_batches
    from ._datasets import read_tokens as read_tokens
    from ._engine import RayEngine as RayEngine

__version__ = "0.1.0"

_HOMES = {
    "Estimate": "_cost",
    "RayConfig": "_config",
    "RayEngine": "_engine",
    "estimate": "_cost",
    "map_batches": "_datasets",
    "read_tokens": "_datasets",
}
__getattr__, __all__ = lazy_names(__name__, _HOMES)
