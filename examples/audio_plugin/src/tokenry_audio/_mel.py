"""How loud each band of frequencies is, from moment to moment."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tokenry_core import Array
from tokenry_core.errors import ConfigError


def mel(hertz: Array | float) -> Array:
    """Pitch as it is heard: linear below 700 Hz, logarithmic above (O'Shaughnessy, 1987).

    >>> float(mel(1000.0).round(1))
    1000.0
    """
    return np.asarray(2595.0 * np.log10(1.0 + np.asarray(hertz) / 700.0))


def hertz(mels: Array | float) -> Array:
    """The frequency of a pitch; undoes `mel`.

    >>> float(hertz(mel(440.0)).round(6))
    440.0
    """
    return np.asarray(700.0 * (10.0 ** (np.asarray(mels) / 2595.0) - 1.0))


class MelBank:
    """Triangles, evenly spaced in mel, that share out the power of a sound.

    Each falls to zero where its neighbours peak, so that between the first and the last peak they
    add up to one: there, the bands of a sound hold its whole power (Parseval).

    >>> bank = MelBank(rate=8000, frame=256, hop=128, bands=20, low=60.0)
    >>> tone = np.sin(2 * np.pi * 1000.0 * np.arange(4000) / 8000)
    >>> bands = bank.power(tone)
    >>> bands.shape, float(bands[3:-3].sum(1).mean().round(3))
    ((31, 20), 0.5)
    """

    def __init__(
        self, *, rate: int, frame: int, hop: int, bands: int, low: float, high: float | None = None
    ) -> None:
        high = rate / 2 if high is None else high
        self.frame, self.hop = frame, hop
        edges = hertz(np.linspace(mel(low), mel(high), bands + 2))
        self.centres = edges[1:-1]
        bins = np.fft.rfftfreq(frame, 1.0 / rate)
        rising = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
        falling = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
        self.weights = np.clip(np.minimum(rising, falling), 0.0, None)
        if not self.weights.any(axis=0).all():
            raise ConfigError(
                f"{bands} bands from {low:g} to {high:g} Hz are finer than what frames of {frame} "
                f"samples resolve ({rate / frame:g} Hz); take fewer bands or a longer frame"
            )
        self._window = np.hanning(frame + 1)[:-1]
        # Of a real signal every frequency but the first and the last stands for two.
        self._twice = np.full(len(bins), 2.0)
        self._twice[0] = 1.0
        if frame % 2 == 0:
            self._twice[-1] = 1.0

    def frames(self, sound: Array) -> Array:
        """The overlapping windows of a sound, which cover every sample; silence fills the last."""
        more = max(0, -(-(len(sound) - self.frame) // self.hop))
        padded = np.zeros(self.frame + more * self.hop)
        padded[: len(sound)] = sound
        return np.asarray(sliding_window_view(padded, self.frame)[:: self.hop])

    def spectrum(self, sound: Array) -> Array:
        """Power by frequency, (frames, frame // 2 + 1); its sum is a window's mean square."""
        found = np.abs(np.fft.rfft(self.frames(sound) * self._window)) ** 2
        scale = self.frame * np.sum(self._window**2)
        return np.asarray(found * (self._twice / scale))

    def power(self, sound: Array) -> Array:
        """Power by band, (frames, bands)."""
        return np.asarray(self.spectrum(sound) @ self.weights)

    def decibels(self, sound: Array, floor: float) -> Array:
        """Loudness by band, at least `floor`, 0 being full scale; NaN where a sample is NaN."""
        with np.errstate(invalid="ignore"):
            power = self.power(sound)
            return np.asarray(10.0 * np.log10(np.maximum(power, 10.0 ** (floor / 10.0))))
