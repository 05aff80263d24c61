"""A picture of patch embeddings: their three main directions as red, green and blue."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

from tokenry_core import Array, Panel, TokenBatch

from ._views import ViewReader

__all__ = ["beside", "panels_of", "pca_colors", "png"]


def pca_colors(patches: Array, rows: int, columns: int) -> Array:
    """Give (rows, columns, 3) uint8 from (rows * columns, dim) embeddings.

    The colours are the first three principal components, each stretched from its first to its last
    percentile. A component points where its largest weight is positive, so that the same
    embeddings have the same colours everywhere.
    """
    values = patches.astype(np.float64)
    values -= values.mean(0)
    _, directions = np.linalg.eigh(values.T @ values)
    main = directions[:, ::-1][:, :3]
    main = main * np.sign(main[np.abs(main).argmax(0), np.arange(main.shape[1])])
    parts = values @ main
    low, high = np.percentile(parts, [1, 99], axis=0)
    spread = np.where(high > low, high - low, 1)
    colors = np.clip((parts - low) / spread * 255, 0, 255).astype(np.uint8)
    out = np.zeros((rows * columns, 3), np.uint8)
    out[:, : colors.shape[1]] = colors
    return out.reshape(rows, columns, 3)


def beside(view: Array, colors: Array) -> Image.Image:
    """Give the image and, to its right, its patches as squares of their colours."""
    height, width = view.shape[:2]
    right = Image.fromarray(colors).resize((width, height), Image.Resampling.NEAREST)
    out = Image.new("RGB", (2 * width + 8, height), "white")
    out.paste(Image.fromarray(view), (0, 0))
    out.paste(right, (width + 8, 0))
    return out


def png(image: Image.Image, longest: int = 1200) -> bytes:
    """Give a PNG of the picture, no side longer than `longest`."""
    image.thumbnail((longest, longest))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def panels_of(reader: ViewReader, tokens: TokenBatch, model: str, most: int = 4) -> Iterator[Panel]:
    """Give a picture of each of the first images, and of the colours of its patches."""
    if "dino_patches" not in tokens.fields:
        return
    values, indptr = tokens.fields["dino_patches"]
    assert indptr is not None
    ids = tokens.ids.to_pylist()
    for row in np.flatnonzero(np.diff(indptr))[:most]:
        view = reader(int(row))
        if view.pixels is None:
            continue
        grid = (int(side) for side in tokens.fields["dino_grid"].values[row])
        colors = pca_colors(values[indptr[row] : indptr[row + 1]], *grid)
        yield Panel(
            f"Patches of {ids[row]}",
            png(beside(view.pixels, colors)),
            "image/png",
            f"The image as {model} sees it, and the first three principal components of its"
            f" {colors.shape[0]} x {colors.shape[1]} patch embeddings as red, green and blue.",
        )
