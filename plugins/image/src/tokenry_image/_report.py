"""The page that a training leaves in its work directory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tokenry_core import Array, Panel

from ._codec import Codec
from ._pictures import code_panel, curve_panel, image_panel, psnr_panel
from ._quality import tensors
from ._rows import Stack

__all__ = ["comparison", "write_training_page"]

_SHOWN = 64


def comparison(given: Array, found: Array, counts: Array, bands: Sequence[str]) -> list[Panel]:
    """Give the pictures of images and their reconstructions, both in stretched units."""
    return [
        image_panel(given, found, bands),
        psnr_panel(given, found, bands),
        code_panel(counts),
    ]


@torch.inference_mode()
def write_training_page(
    folder: Path, codec: Codec, images: Stack, history: Sequence[dict[str, Any]], device: str
) -> Path:
    """Write `training.html` and `training.json`: curves, and validation images beside theirs."""
    codec.eval()
    part = images.take(np.arange(min(_SHOWN, len(images.keys))))
    prepared, mask = codec.prepare_images(*tensors(part, device))
    ids = codec.quantizer.ids(codec.encode(prepared))
    found = codec.network.decode(codec.quantizer.lookup(ids)).cpu().numpy()
    given = prepared.masked_fill(~mask, torch.nan).cpu().numpy()
    counts = np.bincount(ids.cpu().numpy().ravel(), minlength=codec.config.codebook_size)
    panels = [curve_panel(history), *comparison(given, found, counts, codec.config.bands)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "training.json").write_text(json.dumps(history, indent=1))
    page = folder / "training.html"
    page.write_text(_page(panels), encoding="utf-8")
    return page


def _page(panels: Sequence[Panel]) -> str:
    sections = "".join(
        f"<section><h2>{escape(panel.title)}</h2>{panel.image.decode()}"
        f"<p>{escape(panel.caption)}</p></section>"
        for panel in panels
    )
    style = "body{font-family:sans-serif;max-width:48em;margin:2em auto}svg{width:100%}"
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Training of image tokens'
        f"</title><style>{style}</style><h1>Training of image tokens</h1>{sections}</html>"
    )
