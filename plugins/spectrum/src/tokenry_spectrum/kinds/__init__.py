"""Kinds of groups: what rows hold, and how it becomes points."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenry_spectrum._lists import Lists as Lists
    from tokenry_spectrum._lists import Points as Points
    from tokenry_spectrum._lists import read_lists as read_lists

    from ._flux_ivar import FluxIvar as FluxIvar
    from ._gaia import GaiaXp as GaiaXp
    from ._kind import Group as Group
    from ._kind import Kind as Kind
    from ._ztf_mag_err import ZtfMagErr as ZtfMagErr

__all__ = [
    "FluxIvar",
    "GaiaXp",
    "Group",
    "Kind",
    "Lists",
    "Points",
    "ZtfMagErr",
    "read_lists",
]

_HOMES = {
    "FluxIvar": "tokenry_spectrum.kinds._flux_ivar",
    "GaiaXp": "tokenry_spectrum.kinds._gaia",
    "Group": "tokenry_spectrum.kinds._kind",
    "Kind": "tokenry_spectrum.kinds._kind",
    "Lists": "tokenry_spectrum._lists",
    "Points": "tokenry_spectrum._lists",
    "ZtfMagErr": "tokenry_spectrum.kinds._ztf_mag_err",
    "read_lists": "tokenry_spectrum._lists",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
