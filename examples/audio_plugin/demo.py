"""Sounds become tokens, and the tokens tell the sounds apart.

Writes sounds into ./audio-demo, trains and encodes them with `tokenry`, and looks at the result in
three ways: a clip beside what its tokens say, how well tokens alone tell four kinds of sound apart,
and the report.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pyarrow.dataset as ds
import sounds

import tokenry

SHADES = " .:-=+*#%@"


def run(*command: str) -> None:
    """Run a command of Tokenry, and show it."""
    print("$", " ".join(command), flush=True)
    subprocess.run(command, check=True)


def drawn(decibels: np.ndarray, floor: float) -> list[str]:
    """A spectrogram in characters: time to the right, pitch up, `?` where a frame is missing."""
    coarse = decibels[:, : decibels.shape[1] // 3 * 3].reshape(len(decibels), -1, 3).mean(2)
    shade = np.clip((1 - coarse / floor) * len(SHADES), 0, len(SHADES) - 1)
    rows = np.where(np.isnan(shade), -1, shade).astype(int).T[::-1]
    return ["".join("?" if value < 0 else SHADES[value] for value in row) for row in rows]


def show_a_clip(tokenizer, table, kind: str) -> None:
    """Print a clip's spectrogram, and the one that its tokens stand for."""
    clip = table.filter(ds.field("kind") == kind).slice(0, 1)
    tokens = tokenizer.encode(clip)
    sound = np.array(clip["audio"][0].as_py())
    original = tokenizer.config.bank().decibels(sound, tokenizer.config.floor)
    decoded = np.array(tokenizer.decode(tokens)["log_mel"][0].as_py())
    for title, values in (("original", original), ("from its tokens", decoded)):
        print(f"\nA {kind}, {title}:")
        print("\n".join(drawn(values, tokenizer.config.floor)))
    print("tokens:", *tokens["audio_tokens_flat"][:16], "...")


def told_apart(tokens, kinds: dict[int, str]) -> float:
    """How often the clip with the most similar tokens is of the same kind.

    A clip is the histogram of its tokens, and two are as similar as their histograms overlap.
    """
    codes = tokens["audio_tokens"].codes
    table = tokens.table()
    clips = [np.bincount(row.values, minlength=codes + 1)[:codes] for row in table["audio_tokens"]]
    counts = np.array(clips, np.float64)
    heard = counts.any(axis=1)
    kind = np.array([kinds[clip] for clip in table["clip"].to_pylist()])[heard]
    shares = counts[heard] / counts[heard].sum(1, keepdims=True)
    overlap = np.array([np.minimum(share, shares).sum(1) for share in shares])
    np.fill_diagonal(overlap, -1)
    return float((kind[overlap.argmax(1)] == kind).mean())


def main() -> None:
    """Run the demo."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--clips", type=int, default=100, help="of each kind")
    clips = arguments.parse_args().clips
    shutil.rmtree("audio-demo", ignore_errors=True)
    os.mkdir("audio-demo")
    os.chdir("audio-demo")
    sounds.write(Path("sounds"), clips)
    here = Path(__file__).resolve().parent
    run("tokenry", "train", str(here / "run.yaml"))
    run("tokenry", "encode", str(here / "run.yaml"))
    run("tokenry", "report", "tokens")

    table = ds.dataset("sounds").to_table()
    tokenizer = tokenry.load("artifacts/audio.safetensors")
    show_a_clip(tokenizer, table, "bird")
    kinds = dict(zip(table["clip"].to_pylist(), table["kind"].to_pylist(), strict=True))
    found = told_apart(tokenry.open_tokens("tokens"), kinds)
    print(
        f"\nThe clip with the most similar tokens is of the same kind in {found:.0%} (chance: 25%)."
    )
    print(f"The report: {Path('tokens/report.html').resolve().as_uri()}")


if __name__ == "__main__":
    main()
