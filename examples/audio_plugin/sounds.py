"""Sounds by their physics: plucked strings, bells, chirps, and something like birds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

RATE = 8000
Random = np.random.Generator

# Partials of a church bell as multiples of its strike note, from the hum to the upper octave.
BELL = np.array([0.5, 1.0, 1.2, 1.5, 2.0, 2.5, 2.67, 3.0, 4.0])


def string(time: np.ndarray, random: Random) -> np.ndarray:
    """A string plucked at a place p of its length: partial n has amplitude sin(n pi p) / n**2.

    Its modes are those of the wave equation; losses grow with the square of the frequency.
    """
    pitch, place = random.uniform(100, 400), random.uniform(0.1, 0.4)
    n = np.arange(1, int(RATE / 2 / pitch))[:, None]
    decay = np.exp(-(3 + 0.15 * n**2) * time)
    return (np.sin(n * np.pi * place) / n**2 * decay * np.sin(2 * np.pi * n * pitch * time)).sum(0)


def bell(time: np.ndarray, random: Random) -> np.ndarray:
    """A bell: partials that are no multiples of one frequency, the high ones dying first."""
    pitch = BELL[:, None] * random.uniform(300, 800)
    loud = random.uniform(0.3, 1.0, pitch.shape)
    return (loud * np.exp(-pitch / 400 * time) * np.sin(2 * np.pi * pitch * time)).sum(0)


def chirp(time: np.ndarray, random: Random) -> np.ndarray:
    """A frequency that moves evenly from one to another; the phase is its integral."""
    first, last = random.uniform(200, 3500, 2)
    phase = first * time + (last - first) * time**2 / (2 * time[-1])
    return np.sin(2 * np.pi * phase)


def bird(time: np.ndarray, random: Random) -> np.ndarray:
    """A few whistles, each swinging around a pitch of its own with a soft start and end."""
    syllable = random.uniform(0.08, 0.2)
    pitch, swing = random.uniform(1800, 2800), random.uniform(300, 900)
    within = (time % syllable) / syllable
    phase = pitch * time - swing * syllable / (2 * np.pi) * np.cos(2 * np.pi * within)
    return (
        np.clip(np.sin(np.pi * within / 0.7), 0, None) * (within < 0.7) * np.sin(2 * np.pi * phase)
    )


KINDS: dict[str, Callable[[np.ndarray, Random], np.ndarray]] = {
    "string": string,
    "bell": bell,
    "chirp": chirp,
    "bird": bird,
}


def clip(kind: str, random: Random) -> np.ndarray:
    """One recording: half a second to one, at some loudness, in the noise of a microphone."""
    time = np.arange(random.integers(RATE // 2, RATE)) / RATE
    sound = KINDS[kind](time, random)
    sound *= random.uniform(0.1, 0.8) / np.abs(sound).max()
    return (sound + random.normal(0, 10 ** random.uniform(-3, -2), len(time))).astype(np.float32)


def write(folder: Path, each: int, files: int = 4, seed: int = 0) -> None:
    """Write Parquet files with `each` clips of every kind; some are lost, some have a gap."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(seed)
    kinds = random.permutation(np.repeat(list(KINDS), each))
    sounds = [clip(kind, random) for kind in kinds]
    for number, sound in enumerate(sounds):
        if number % 23 == 22:
            sounds[number] = None  # the recorder was off
        elif number % 17 == 16:
            sound[len(sound) // 2 :][: RATE // 20] = np.nan  # it stopped for a moment
    for part, numbers in enumerate(np.array_split(np.arange(len(kinds)), files)):
        columns = {
            "clip": pa.array(numbers),
            "kind": pa.array(kinds[numbers]),
            "audio": pa.array([sounds[n] for n in numbers], pa.list_(pa.float32())),
        }
        pq.write_table(pa.table(columns), folder / f"{part}.parquet")
