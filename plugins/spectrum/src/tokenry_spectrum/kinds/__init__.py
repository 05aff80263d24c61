"""Kinds of groups: what rows hold, and how it becomes points."""

from typing import TYPE_CHECKING

from tokenry_core._lazy import lazy_names

if TYPE_CHECKING:
    from ._flux_ivar import FluxIvar as FluxIvar
    from ._gaia import GaiaXp as GaiaXp
    from ._kind import Group as Group
    from ._kind import Kind as Kind
    from ._ztf_mag_err import ZtfMagErr as ZtfMagErr

_HOMES = {
    "FluxIvar": "_flux_ivar",
    "GaiaXp": "_gaia",
    "Group": "_kind",
    "Kind": "_kind",
    "ZtfMagErr": "_ztf_mag_err",
}
__getattr__, __all__ = lazy_names(__name__, _HOMES)
