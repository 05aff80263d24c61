"""`tokenry dino show`: a picture of what the model sees in an image."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from ._tokenizer import DinoPatchTokenizer

__all__ = ["show_image"]


def show_image(path: Path, output: Path, device: str, options: Mapping[str, Any]) -> None:
    """Write a PNG of an image beside its patches."""
    tokenizer = DinoPatchTokenizer(**options)
    tokenizer = DinoPatchTokenizer.restore(tokenizer.config, tokenizer.state(), device=device)
    batch = pa.record_batch({"image_id": [path.stem], tokenizer.config.column: [str(path)]})
    tokens = tokenizer.encode_batch(batch)
    (panel,) = tokenizer.panels(batch, tokens)
    output.write_bytes(panel.image)
