"""Spectrograms as pictures, two of them side by side."""

from __future__ import annotations

import base64

import numpy as np

from tokenry_core import Array, png

# Dark to bright, the colours of Matplotlib's "magma" at even steps.
COLOURS = np.array(
    [[0, 0, 4], [40, 17, 89], [114, 31, 129], [182, 54, 121], [241, 96, 93], [254, 175, 119],
     [252, 253, 191]], np.float64
)  # fmt: skip


def picture(decibels: Array, floor: float) -> Array:
    """A spectrogram (frames, bands) in colours: pitch up, and missing frames grey."""
    place = np.clip(1.0 - decibels / floor, 0.0, 1.0) * (len(COLOURS) - 1)
    steps = np.arange(len(COLOURS))
    colours = np.stack([np.interp(place, steps, channel) for channel in COLOURS.T], axis=2)
    colours[np.isnan(place)] = 128.0
    return np.asarray(colours.round().astype(np.uint8).transpose(1, 0, 2)[::-1])


def beside(original: Array, decoded: Array, floor: float) -> bytes:
    """An SVG with a clip's spectrogram at the left and what its tokens say at the right."""
    parts = []
    for left, title, values in ((0, "original", original), (330, "from its tokens", decoded)):
        data = base64.b64encode(png(picture(values, floor))).decode()
        parts.append(
            f'<text x="{left}" y="14" font-family="sans-serif" font-size="13" fill="#888">'
            f'{title}</text><image x="{left}" y="22" width="310" height="160" '
            'preserveAspectRatio="none" style="image-rendering:pixelated" '
            f'href="data:image/png;base64,{data}"/>'
        )
    size = 'width="640" height="184" viewBox="0 0 640 184"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(parts)}</svg>'.encode()
