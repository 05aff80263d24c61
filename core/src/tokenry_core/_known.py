"""What Tokenry's own packages provide, so that an unknown name can say what to install."""

from __future__ import annotations

__all__ = ["OURS", "package_for"]

_PROVIDES = {
    "tokenry.tokenizers": {
        "scalar": "tokenry-scalar",
        "spectrum": "tokenry-spectrum",
        "image": "tokenry-image",
        "patch2d": "tokenry-patch2d",
        "patch2d-pairs": "tokenry-patch2d",
        "dino-patch": "tokenry-dino",
        "pairs": "tokenry-pairs",
    },
    "tokenry.sources": {"images": "tokenry-dino", "labeled-images": "tokenry-pairs"},
    "tokenry.models": {"timm": "tokenry-dino", "pair-matching": "tokenry-pairs"},
    "tokenry.sinks": {"npy": "tokenry-dino", "webdataset": "tokenry-dino"},
    "tokenry.engines": {"ray": "tokenry-ray"},
    "tokenry.commands": {"bench": "tokenry-benchmarks", "dino": "tokenry-dino"},
}

OURS = frozenset(
    {"tokenry", "tokenry-core"} | {d for names in _PROVIDES.values() for d in names.values()}
)


def package_for(group: str, name: str) -> str | None:
    """Give the package of ours that provides a name, installed or not.

    >>> package_for("tokenry.models", "timm/vit_small_patch14_dinov2")
    'tokenry-dino'
    """
    return _PROVIDES.get(group, {}).get(name.partition("/")[0])
