"""A trained model as a graph that needs no Python of ours: torch.export and ONNX."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram

from tokenry_core.errors import ConfigError

from .evaluation._vectors import evaluating
from .model import PairMatchingModel

__all__ = ["INPUTS", "export_onnx", "export_program"]

INPUTS = ("image_set_a", "image_set_b", "mask_a", "mask_b")
"""Image sets (B, images, 3, H, W), normalised, and masks (B, images), true where an image is."""

_LARGE = 1 << 30  # bytes of weights from which an ONNX file would meet its format's limit


def export_program(model: PairMatchingModel) -> ExportedProgram:
    """Give the model as a graph of torch.export, for any number of pairs and sets of any size.

    Its inputs are `INPUTS`, its output the logits (B, 1). Height and width are those of the
    backbone; a set without an image gives NaN. Save it with `torch.export.save`.

    >>> small = {"img_size": 8, "patch_size": 2, "embed_dim": 32, "depth": 1, "num_heads": 2}
    >>> model = PairMatchingModel(pretrained=False, backbone_options=small)
    >>> program = export_program(model)
    >>> sets, mask = torch.zeros(5, 4, 3, 8, 8), torch.ones(5, 4, dtype=torch.bool)
    >>> program.module()(sets, sets[:, :2], mask, mask[:, :2]).shape
    torch.Size([5, 1])
    """
    pairs, a, b = Dim("pairs"), Dim("images_a"), Dim("images_b")
    shapes = ({0: pairs, 1: a}, {0: pairs, 1: b}, {0: pairs, 1: a}, {0: pairs, 1: b})
    with evaluating(model), torch.no_grad():
        return torch.export.export(model, _example(model), dynamic_shapes=shapes)


def export_onnx(model: PairMatchingModel, path: str | os.PathLike[str]) -> None:
    """Write the model as ONNX, with the inputs `INPUTS` and the output `logits`.

    Weights of more than a gigabyte go into a file beside it. Needs the extra `onnx`.
    """
    try:
        import onnxscript  # noqa: F401
    except ImportError:
        raise ConfigError(
            "writing ONNX needs the packages onnx and onnxscript: pip install tokenry-pairs[onnx]"
        ) from None
    weights = sum(one.numel() * one.element_size() for one in model.state_dict().values())
    program: Any = torch.onnx.export(
        export_program(model),
        input_names=list(INPUTS),
        output_names=["logits"],
        dynamo=True,
        verbose=False,
    )
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    program.save(os.fspath(path), external_data=weights > _LARGE)


def _example(model: PairMatchingModel) -> tuple[Tensor, ...]:
    """Inputs whose sizes all differ, and none of which is one: a one would be taken as fixed."""
    parameter = next(model.parameters())
    height, width = model.backbone.image_size
    sets = [parameter.new_zeros(2, images, 3, height, width) for images in (3, 4)]
    masks = [torch.ones(one.shape[:2], dtype=torch.bool, device=one.device) for one in sets]
    return (*sets, *masks)
