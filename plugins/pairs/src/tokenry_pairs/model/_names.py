"""The short names of backbones."""

from __future__ import annotations

__all__ = ["BACKBONES"]

BACKBONES = {
    "vit_b_16": "timm/vit_base_patch16_224",
    "vit_b_32": "timm/vit_base_patch32_224",
    "vit_l_16": "timm/vit_large_patch16_224",
    "vit_l_32": "timm/vit_large_patch32_224",
    "vit_h_14": "timm/vit_huge_patch14_224",
    "vit_s_16": "timm/vit_small_patch16_224",
    "vit_ti_16": "timm/vit_tiny_patch16_224",
}
"""torchvision's names of vision transformers, and two smaller ones in its manner."""
